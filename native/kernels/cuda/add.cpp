#include "kernels/cuda/add.h"

#include "kernels/cuda/kernels.h"

namespace attune::cuda {
namespace {

void run_add(KernelContext& context, const KernelCall& call) {
  const TensorView& y = call.outputs[0];
  const std::int64_t count = y.shape.elements();
  device_of(context).launch(
      "add", entry("add", y.dtype), pack_grid(count, y.dtype),
      Add{.a = call.inputs[0].data, .b = call.inputs[1].data, .y = y.data, .count = count});
}

/// A gradient may be f32 in a bf16 graph: the input says what it is.
void run_accumulate(KernelContext& context, const KernelCall& call) {
  const TensorView& dx = call.inputs[0];
  const TensorView& y = call.outputs[0];
  const std::int64_t count = y.shape.elements();
  device_of(context).launch(
      "add", entry("accumulate_gradient", dx.dtype), pack_grid(count, dx.dtype),
      AccumulateGradient{.dx = dx.data, .y = y.as<float>(), .count = count, .accumulate = y.accumulate});
}

}  // namespace

void register_add(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    table.add("add", dtype, {run_add});
    table.add("accumulate_gradient", dtype, {run_accumulate});
  }
}

}  // namespace attune::cuda
