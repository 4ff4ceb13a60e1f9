#include "kernels/rotary.h"

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/rotary.h"

namespace attune::cuda {
namespace {

void run_rotary(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<RotaryArguments>();
  const TensorView& x = call.inputs[0];
  const std::int64_t rows = call.inputs[1].shape.elements();
  if (rows == 0) return;
  CudaDevice& device = device_of(context);
  const auto count = static_cast<int>(arguments.inverse_frequencies.size());
  device.launch(
      "rotary", entry("rotary", x.dtype),
      {.x = rows, .threads = kRotaryThreads, .shared_bytes = count * 2 * static_cast<int>(sizeof(float))},
      Rotary{.x = x.data,
             .positions = call.inputs[1].as<const std::int32_t>(),
             .inverse_frequencies = device.constant(std::span(arguments.inverse_frequencies)),
             .y = call.outputs[0].data,
             .columns = x.shape.elements() / rows,
             .head_dim = static_cast<int>(arguments.head_dim),
             .frequencies = count,
             .rotated = static_cast<int>(arguments.rotated),
             .period = static_cast<int>(arguments.period),
             .scaling = arguments.attention_scaling,
             .sign = arguments.inverse ? -1.0F : 1.0F});
}

}  // namespace

void register_rotary(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) table.add("rotary", dtype, {run_rotary});
}

}  // namespace attune::cuda
