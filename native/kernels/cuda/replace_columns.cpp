#include "kernels/replace_columns.h"

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/replace_columns.h"

namespace attune::cuda {
namespace {

[[nodiscard]] TokenRowsView tokens_of(KernelContext& context, const KernelCall& call) {
  return token_rows_on(device_of(context), call.as<ReplaceColumnsArguments>().tokens);
}

void copy(KernelContext& context, const TensorView& from, const TensorView& to) {
  if (from.data == to.data) return;
  context.device.copy(to.as<std::byte>(), from.as<const std::byte>(),
                      static_cast<std::size_t>(to.shape.elements()) * size_of(to.dtype));
}

void launch(KernelContext& context, const char* kernel, DType dtype, const ReplaceColumns& arguments) {
  device_of(context).launch("replace_columns", entry(kernel, dtype),
                            {.x = divide_up(arguments.tokens.count, kReplaceThreads),
                             .y = std::min(arguments.rows, kMostBlocksOfY),
                             .threads = kReplaceThreads},
                            arguments);
}

void forward(KernelContext& context, const KernelCall& call) {
  const TensorView& y = call.inputs[0];
  const TensorView& out = call.outputs[0];
  const FloatTensor bias = floats(call.inputs, 2);
  const std::int64_t rows = out.shape.rows();
  const std::int64_t columns = out.shape.columns();
  if (bias.data == nullptr) {
    copy(context, y, out);
  } else {
    CudaGrid grid = pack_grid(columns, out.dtype);
    grid.y = std::min(rows, kMostBlocksOfY);
    device_of(context).launch(
        "replace_columns", entry("add_bias", out.dtype), grid,
        AddBias{.from = y.data, .bias = bias, .to = out.data, .rows = rows, .columns = columns});
  }
  launch(context, "replace_columns", out.dtype,
         {.table = out.data,
          .gradient = nullptr,
          .apart = call.inputs[1].data,
          .bias = bias,
          .tokens = tokens_of(context, call),
          .rows = rows,
          .columns = columns});
}

void backward(KernelContext& context, const KernelCall& call) {
  const TensorView& d = call.inputs[0];
  const TensorView& dy = call.outputs[0];
  copy(context, d, dy);
  launch(context, "replace_columns_backward", dy.dtype,
         {.table = dy.data,
          .gradient = d.data,
          .apart = call.outputs[1].data,
          .bias = {},
          .tokens = tokens_of(context, call),
          .rows = dy.shape.rows(),
          .columns = dy.shape.columns()});
}

}  // namespace

void register_replace_columns(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    table.add("replace_columns", dtype, {forward});
    table.add("replace_columns_backward", dtype, {backward});
  }
}

}  // namespace attune::cuda
