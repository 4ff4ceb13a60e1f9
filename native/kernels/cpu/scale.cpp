// scale: y = factor x. Any shape; x, y alike. y may be x.
// The backward needs nothing: it is the same op on dy.

#include "kernels/scale.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

template <class T>
void run_scale(KernelContext& context, const KernelCall& call) {
  const Vec factor = broadcast(call.as<ScaleArguments>().factor);
  const auto* x = call.inputs[0].as<const T>();
  auto* y = call.outputs[0].as<T>();
  run_elements(context.pool, call.outputs[0].shape.elements(), [&](std::int64_t begin, std::int64_t end) {
    for_vectors(end - begin, [&](std::int64_t i, auto lanes) {
      store(y + begin + i, factor * load(x + begin + i, lanes), lanes);
    });
  });
}

}  // namespace

void register_scale(KernelTable& table) {
  table.add("scale", DType::f32, {run_scale<float>, no_scratch});
  table.add("scale", DType::bf16, {run_scale<bfloat16>, no_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
