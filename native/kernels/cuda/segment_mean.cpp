#include "kernels/cuda/segment_mean.h"

#include "kernels/cuda/kernels.h"

namespace attune::cuda {
namespace {

void run_segment_mean(KernelContext& context, const KernelCall& call) {
  const TensorView& y = call.outputs[0];
  const std::int64_t columns = y.shape.columns();
  const auto pack = static_cast<std::int64_t>(16 / size_of(y.dtype));
  const std::int64_t threads = columns % pack == 0 ? columns / pack : columns;
  device_of(context).launch(
      "segment_mean", entry("segment_mean", y.dtype),
      {.x = y.shape.rows(), .y = divide_up(threads, kMeanThreads / kMeanWarps), .threads = kMeanThreads},
      SegmentMean{.x = call.inputs[0].data,
                  .starts = call.inputs[1].as<const std::int32_t>(),
                  .y = y.data,
                  .columns = columns});
}

void run_backward(KernelContext& context, const KernelCall& call) {
  const TensorView& dx = call.outputs[0];
  const std::int64_t rows = dx.shape.rows();
  device_of(context).launch("segment_mean", entry("segment_mean_backward", dx.dtype),
                            {.x = divide_up(rows, kMeanWarps), .threads = kMeanThreads},
                            SegmentMeanBackward{.dy = call.inputs[0].data,
                                                .starts = call.inputs[1].as<const std::int32_t>(),
                                                .dx = dx.data,
                                                .rows = rows,
                                                .columns = dx.shape.columns(),
                                                .segments = static_cast<int>(call.inputs[0].shape.rows())});
}

}  // namespace

void register_segment_mean(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    table.add("segment_mean", dtype, {run_segment_mean});
    table.add("segment_mean_backward", dtype, {run_backward});
  }
}

}  // namespace attune::cuda
