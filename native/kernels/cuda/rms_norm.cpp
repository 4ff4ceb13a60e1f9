#include "kernels/cuda/rms_norm.h"

#include "kernels/cuda/kernels.h"
#include "kernels/rms_norm.h"

namespace attune::cuda {
namespace {

constexpr std::int64_t kRowsOfBlock = kNormThreads / 32;

void forward(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<RmsNormArguments>();
  const TensorView& x = call.inputs[0];
  const std::int64_t columns = call.inputs[1].shape.elements();
  if (columns == 0) return;
  const std::int64_t rows = x.shape.elements() / columns;
  device_of(context).launch("rms_norm", entry("rms_norm_forward", x.dtype),
                            {.x = divide_up(rows, kRowsOfBlock), .threads = kNormThreads},
                            RmsNormForward{.x = x.data,
                                           .w = floats(call.inputs, 1),
                                           .y = call.outputs[0].data,
                                           .rstd = data_of<float>(call.outputs, 1),
                                           .rows = rows,
                                           .columns = columns,
                                           .eps = arguments.eps,
                                           .weight_offset = arguments.weight_offset});
}

std::size_t backward_scratch(const KernelCall& call, int /*threads*/) {
  if (!has(call.outputs, 1)) return 0;
  const std::int64_t columns = std::max<std::int64_t>(1, call.inputs[2].shape.elements());
  Scratch scratch;
  static_cast<void>(
      scratch.take<float>(divide_up(call.inputs[0].shape.elements() / columns, kNormChunk) * columns));
  return scratch.bytes();
}

void backward(KernelContext& context, const KernelCall& call) {
  const TensorView& dy = call.inputs[0];
  const std::int64_t columns = call.inputs[2].shape.elements();
  if (columns == 0) return;
  const std::int64_t rows = dy.shape.elements() / columns;
  const std::int64_t chunks = divide_up(rows, kNormChunk);
  const bool wants_dw = has(call.outputs, 1);
  const RmsNormBackward arguments{
      .dy = dy.data,
      .x = call.inputs[1].data,
      .w = floats(call.inputs, 2),
      .rstd = data_of<const float>(call.inputs, 3),
      .addend = data_of(call.inputs, 4),
      .dx = data_of(call.outputs, 0),
      .dw = wants_dw ? Scratch(context.scratch.data()).take<float>(chunks * columns) : nullptr,
      .rows = rows,
      .columns = columns,
      .weight_offset = call.as<RmsNormBackwardArguments>().weight_offset};
  CudaDevice& device = device_of(context);
  // The weight first: dx may take the place of dy.
  if (wants_dw) {
    device.launch("rms_norm", entry("rms_norm_weight_gradient", dy.dtype),
                  {.x = divide_up(columns, kNormThreads), .y = chunks, .threads = kNormThreads}, arguments);
    sum_partials(context, arguments.dw, chunks, columns, call.outputs[1].as<float>(),
                 call.outputs[1].accumulate);
  }
  if (arguments.dx != nullptr) {
    device.launch("rms_norm", entry("rms_norm_backward", dy.dtype),
                  {.x = divide_up(rows, kRowsOfBlock), .threads = kNormThreads}, arguments);
  }
}

}  // namespace

void register_rms_norm(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    table.add("rms_norm", dtype, {forward});
    table.add("rms_norm_backward", dtype, {backward, backward_scratch});
  }
}

}  // namespace attune::cuda
