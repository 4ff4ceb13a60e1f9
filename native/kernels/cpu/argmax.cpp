// argmax: ids[t] = the first v with x[t, v] = max over V of x[t].   x (T, V), ids (T). Nothing is saved.

#include "kernels/argmax.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

/// The maximum is looked for vector by vector in blocks, then one by one in the block that has it.
constexpr std::int64_t kBlock = 1024;
constexpr float kLeast = -__builtin_inff();

// ---- kernel, one row

/// kLeast where there is nothing but NaN: max gives its second operand then.
template <class T>
float largest(const T* x, std::int64_t count) {
  Vec best = broadcast(kLeast);
  for_vectors(count,
              [&](std::int64_t v, auto lanes) { best = max(only(load(x + v, lanes), best, lanes), best); });
  return reduce_max(best);
}

template <class T>
std::int32_t first_largest(const T* x, std::int64_t columns) {
  float best = kLeast;
  std::int64_t block = 0;
  for (std::int64_t v = 0; v < columns; v += kBlock) {
    const float here = largest(x + v, minimum(kBlock, columns - v));
    if (here > best) {
      best = here;
      block = v;
    }
  }
  if (best == kLeast) return 0;
  std::int64_t id = block;
  while (widen_value(x[id]) != best) ++id;
  return static_cast<std::int32_t>(id);
}

// ---- launch

template <class T>
void run(KernelContext& context, const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const std::int64_t columns = x.shape.columns();
  auto* const ids = call.outputs[0].as<std::int32_t>();
  run_rows(context.pool, x.shape.rows(), rows_of_task(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) ids[t] = first_largest(x.as<const T>() + t * columns, columns);
  });
}

}  // namespace

void register_argmax(KernelTable& table) {
  table.add("argmax", DType::f32, {run<float>, no_scratch});
  table.add("argmax", DType::bf16, {run<bfloat16>, no_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
