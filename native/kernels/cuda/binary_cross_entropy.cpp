#include "kernels/binary_cross_entropy.h"

#include "kernels/cuda/binary_cross_entropy.h"
#include "kernels/cuda/kernels.h"

namespace attune::cuda {
namespace {

void run(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<BinaryCrossEntropyArguments>();
  const TensorView& logits = call.inputs[0];
  const std::int64_t rows = logits.shape.rows();
  device_of(context).launch(
      "binary_cross_entropy", entry("binary_cross_entropy", logits.dtype),
      {.x = divide_up(rows, kBinaryCrossEntropyThreads / 32), .threads = kBinaryCrossEntropyThreads},
      BinaryCrossEntropy{.logits = logits.data,
                         .targets = call.inputs[1].as<const float>(),
                         .scale = call.inputs[2].as<const float>(),
                         .weights = data_of<const float>(call.inputs, 3),
                         .row_loss = call.outputs[1].as<float>(),
                         .dlogits = data_of(call.outputs, 2),
                         .rows = rows,
                         .columns = logits.shape.columns(),
                         .smoothing = arguments.label_smoothing,
                         .focal_gamma = arguments.focal_gamma});
  sum_row_losses(context, call.outputs[1], call.inputs[2], call.outputs[0]);
}

}  // namespace

void register_binary_cross_entropy(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) table.add("binary_cross_entropy", dtype, {run});
}

}  // namespace attune::cuda
