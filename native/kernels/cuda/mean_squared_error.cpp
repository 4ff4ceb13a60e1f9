#include "kernels/mean_squared_error.h"

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/mean_squared_error.h"

namespace attune::cuda {
namespace {

void run(KernelContext& context, const KernelCall& call) {
  const TensorView& predictions = call.inputs[0];
  const std::int64_t rows = predictions.shape.rows();
  device_of(context).launch(
      "mean_squared_error", entry("mean_squared_error", predictions.dtype),
      {.x = divide_up(rows, kMeanSquaredErrorThreads / 32), .threads = kMeanSquaredErrorThreads},
      MeanSquaredError{.predictions = predictions.data,
                       .targets = call.inputs[1].as<const float>(),
                       .scale = call.inputs[2].as<const float>(),
                       .row_loss = call.outputs[1].as<float>(),
                       .dpredictions = data_of(call.outputs, 2),
                       .rows = rows,
                       .columns = predictions.shape.columns()});
  sum_row_losses(context, call.outputs[1], call.inputs[2], call.outputs[0]);
}

}  // namespace

void register_mean_squared_error(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) table.add("mean_squared_error", dtype, {run});
}

}  // namespace attune::cuda
