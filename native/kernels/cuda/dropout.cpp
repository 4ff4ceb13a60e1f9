#include "kernels/dropout.h"

#include "core/philox.h"
#include "kernels/cuda/dropout.h"
#include "kernels/cuda/kernels.h"

namespace attune::cuda {
namespace {

void run(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<DropoutArguments>();
  const TensorView& y = call.outputs[0];
  const std::int64_t count = y.shape.elements();
  device_of(context).launch("dropout", entry("dropout", y.dtype), pack_grid(count, y.dtype),
                            Dropout{.x = call.inputs[0].data,
                                    .y = y.data,
                                    .count = count,
                                    .random = device_of(context).random(),
                                    .stream = arguments.stream,
                                    .threshold = dropout_threshold(arguments.p),
                                    // Nothing useful is kept at p = 1.
                                    .factor = arguments.p < 1.0F ? 1.0F / (1.0F - arguments.p) : 0.0F});
}

}  // namespace

void register_dropout(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) table.add("dropout", dtype, {run});
}

}  // namespace attune::cuda
