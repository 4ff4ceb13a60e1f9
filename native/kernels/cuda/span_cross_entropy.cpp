#include "kernels/span_cross_entropy.h"

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/span_cross_entropy.h"

namespace attune::cuda {
namespace {

void run(KernelContext& context, const KernelCall& call) {
  const TensorView& logits = call.inputs[0];
  device_of(context).launch("span_cross_entropy", entry("span_cross_entropy", logits.dtype),
                            {.x = call.inputs[2].shape.rows(), .threads = kSpanThreads},
                            SpanCrossEntropy{.logits = logits.data,
                                             .cu_seqlens = call.inputs[1].as<const std::int32_t>(),
                                             .positions = call.inputs[2].as<const std::int32_t>(),
                                             .scale = call.inputs[3].as<const float>(),
                                             .row_loss = call.outputs[1].as<float>(),
                                             .dlogits = data_of(call.outputs, 2)});
  sum_row_losses(context, call.outputs[1], call.inputs[3], call.outputs[0]);
}

}  // namespace

void register_span_cross_entropy(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) table.add("span_cross_entropy", dtype, {run});
}

}  // namespace attune::cuda
