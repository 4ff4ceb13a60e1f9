#include "kernels/layer_norm.h"

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/layer_norm.h"

namespace attune::cuda {
namespace {

[[nodiscard]] CudaGrid rows_grid(std::int64_t rows) {
  return {.x = divide_up(rows, kLayerNormThreads / 32), .threads = kLayerNormThreads};
}

void forward(KernelContext& context, const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const std::int64_t columns = call.inputs[1].shape.elements();
  if (columns == 0) return;
  const std::int64_t rows = x.shape.elements() / columns;
  device_of(context).launch("layer_norm", entry("layer_norm_forward", x.dtype), rows_grid(rows),
                            LayerNormForward{.x = x.data,
                                             .w = floats(call.inputs, 1),
                                             .b = floats(call.inputs, 2),
                                             .y = call.outputs[0].data,
                                             .mean = data_of<float>(call.outputs, 1),
                                             .rstd = data_of<float>(call.outputs, 2),
                                             .rows = rows,
                                             .columns = columns,
                                             .eps = call.as<LayerNormArguments>().eps});
}

/// Partial sums of what is wanted.
struct Partials {
  float* dw = nullptr;
  float* db = nullptr;
};
[[nodiscard]] Partials lay_out(Scratch& scratch, const KernelCall& call, std::int64_t chunks,
                               std::int64_t columns) {
  Partials out;
  if (has(call.outputs, 1)) out.dw = scratch.take<float>(chunks * columns);
  if (has(call.outputs, 2)) out.db = scratch.take<float>(chunks * columns);
  return out;
}

std::size_t backward_scratch(const KernelCall& call, int /*threads*/) {
  const std::int64_t columns = std::max<std::int64_t>(1, call.inputs[2].shape.elements());
  Scratch scratch;
  static_cast<void>(
      lay_out(scratch, call, divide_up(call.inputs[0].shape.elements() / columns, kLayerNormChunk), columns));
  return scratch.bytes();
}

void backward(KernelContext& context, const KernelCall& call) {
  const TensorView& dy = call.inputs[0];
  const std::int64_t columns = call.inputs[2].shape.elements();
  if (columns == 0) return;
  const std::int64_t rows = dy.shape.elements() / columns;
  const std::int64_t chunks = divide_up(rows, kLayerNormChunk);
  Scratch scratch(context.scratch.data());
  const Partials partials = lay_out(scratch, call, chunks, columns);
  const LayerNormBackward arguments{.dy = dy.data,
                                    .x = call.inputs[1].data,
                                    .w = floats(call.inputs, 2),
                                    .mean = data_of<const float>(call.inputs, 3),
                                    .rstd = data_of<const float>(call.inputs, 4),
                                    .addend = data_of(call.inputs, 5),
                                    .dx = data_of(call.outputs, 0),
                                    .dw = partials.dw,
                                    .db = partials.db,
                                    .rows = rows,
                                    .columns = columns};
  CudaDevice& device = device_of(context);
  // Parameters first: dx may take the place of dy.
  if (arguments.dw != nullptr || arguments.db != nullptr) {
    CudaGrid grid = pack_grid(columns, dy.dtype);
    grid.y = chunks;
    device.launch("layer_norm", entry("layer_norm_parameter_gradients", dy.dtype), grid, arguments);
  }
  for (const std::size_t output : {1, 2}) {
    const float* const partial = output == 1 ? arguments.dw : arguments.db;
    if (!has(call.outputs, output)) continue;
    sum_partials(context, partial, chunks, columns, call.outputs[output].as<float>(),
                 call.outputs[output].accumulate);
  }
  if (arguments.dx != nullptr)
    device.launch("layer_norm", entry("layer_norm_backward", dy.dtype), rows_grid(rows), arguments);
}

}  // namespace

void register_layer_norm(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    table.add("layer_norm", dtype, {forward});
    table.add("layer_norm_backward", dtype, {backward, backward_scratch});
  }
}

}  // namespace attune::cuda
