#include "kernels/l2_normalize.h"

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/l2_normalize.h"

namespace attune::cuda {
namespace {

[[nodiscard]] CudaGrid rows_grid(std::int64_t rows) {
  return {.x = divide_up(rows, kUnitRowThreads / 32), .threads = kUnitRowThreads};
}

void forward(KernelContext& context, const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const std::int64_t rows = x.shape.rows();
  device_of(context).launch("l2_normalize", entry("l2_normalize", x.dtype), rows_grid(rows),
                            L2Normalize{.x = x.data,
                                        .y = call.outputs[0].data,
                                        .rows = rows,
                                        .columns = x.shape.columns(),
                                        .eps = call.as<L2NormalizeArguments>().eps});
}

void backward(KernelContext& context, const KernelCall& call) {
  const TensorView& x = call.inputs[1];
  const std::int64_t rows = x.shape.rows();
  device_of(context).launch("l2_normalize", entry("l2_normalize_backward", x.dtype), rows_grid(rows),
                            L2NormalizeBackward{.dy = call.inputs[0].data,
                                                .x = x.data,
                                                .dx = call.outputs[0].data,
                                                .rows = rows,
                                                .columns = x.shape.columns(),
                                                .eps = call.as<L2NormalizeArguments>().eps});
}

}  // namespace

void register_l2_normalize(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    table.add("l2_normalize", dtype, {forward});
    table.add("l2_normalize_backward", dtype, {backward});
  }
}

}  // namespace attune::cuda
