#include "kernels/cross_entropy.h"

#include "kernels/cuda/cross_entropy.h"
#include "kernels/cuda/kernels.h"

namespace attune::cuda {
namespace {

void run(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<CrossEntropyArguments>();
  const TensorView& logits = call.inputs[0];
  const std::int64_t rows = logits.shape.rows();
  device_of(context).launch(
      "cross_entropy", entry("cross_entropy", logits.dtype),
      {.x = divide_up(rows, kCrossEntropyThreads / 32), .threads = kCrossEntropyThreads},
      CrossEntropy{.logits = logits.data,
                   .labels = call.inputs[1].as<const std::int32_t>(),
                   .scale = call.inputs[2].as<const float>(),
                   .class_weights = data_of<const float>(call.inputs, 3),
                   .row_loss = call.outputs[1].as<float>(),
                   .prediction = call.outputs[2].as<std::int32_t>(),
                   .dlogits = data_of(call.outputs, 3),
                   .rows = rows,
                   .classes = logits.shape.columns(),
                   .smoothing = arguments.label_smoothing,
                   .focal_gamma = arguments.focal_gamma});
  sum_row_losses(context, call.outputs[1], call.inputs[2], call.outputs[0]);
}

}  // namespace

void register_cross_entropy(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) table.add("cross_entropy", dtype, {run});
}

}  // namespace attune::cuda
