#include "kernels/cuda/gather_rows.h"

#include "kernels/cuda/kernels.h"

namespace attune::cuda {
namespace {

void launch(KernelContext& context, const KernelCall& call, const char* kernel) {
  const TensorView& to = call.outputs[0];
  // Bits are copied: an integer has as many as a float.
  const DType copied = to.dtype == DType::i32 ? DType::f32 : to.dtype;
  device_of(context).launch("gather_rows", entry(kernel, copied),
                            {.x = call.inputs[1].shape.elements(), .threads = kCopyThreads},
                            CopyRows{.from = call.inputs[0].data,
                                     .rows = call.inputs[1].as<const std::int32_t>(),
                                     .to = to.data,
                                     .columns = to.shape.columns()});
}

void gather(KernelContext& context, const KernelCall& call) { launch(context, call, "gather_rows"); }

void scatter(KernelContext& context, const KernelCall& call) {
  const TensorView& dx = call.outputs[0];
  context.device.zero(dx.as<std::byte>(), static_cast<std::size_t>(dx.shape.elements()) * size_of(dx.dtype));
  launch(context, call, "scatter_rows");
}

}  // namespace

void register_gather_rows(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    table.add("gather_rows", dtype, {gather});
    table.add("scatter_rows", dtype, {scatter});
  }
}

}  // namespace attune::cuda
