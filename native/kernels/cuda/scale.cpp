#include "kernels/scale.h"

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/scale.h"

namespace attune::cuda {
namespace {

void run(KernelContext& context, const KernelCall& call) {
  const TensorView& y = call.outputs[0];
  const std::int64_t count = y.shape.elements();
  device_of(context).launch(
      "scale", entry("scale", y.dtype), pack_grid(count, y.dtype),
      Scale{
          .x = call.inputs[0].data, .y = y.data, .count = count, .factor = call.as<ScaleArguments>().factor});
}

}  // namespace

void register_scale(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) table.add("scale", dtype, {run});
}

}  // namespace attune::cuda
