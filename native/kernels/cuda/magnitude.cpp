#include "kernels/cuda/magnitude.h"

#include "kernels/cuda/kernels.h"

namespace attune::cuda {
namespace {

void forward(KernelContext& context, const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const std::int64_t rows = x.shape.rows();
  const std::int64_t columns = x.shape.columns();
  CudaGrid grid = pack_grid(columns, x.dtype);
  grid.y = divide_up(rows, kMagnitudeRows);
  device_of(context).launch("magnitude", entry("magnitude", x.dtype), grid,
                            Magnitude{.x = x.data,
                                      .m = floats(call.inputs, 1),
                                      .norm = call.inputs[2].as<const float>(),
                                      .bias = floats(call.inputs, 3),
                                      .addend = data_of(call.inputs, 4),
                                      .y = call.outputs[0].data,
                                      .rows = rows,
                                      .columns = columns});
}

std::size_t gradient_scratch(const KernelCall& call, int /*threads*/) {
  const Shape& dy = call.inputs[0].shape;
  Scratch scratch;
  static_cast<void>(scratch.take<float>(divide_up(dy.rows(), kMagnitudeChunk) * dy.columns()));
  return scratch.bytes();
}

void gradient(KernelContext& context, const KernelCall& call) {
  const TensorView& dy = call.inputs[0];
  const std::int64_t rows = dy.shape.rows();
  const std::int64_t columns = dy.shape.columns();
  const std::int64_t chunks = divide_up(rows, kMagnitudeChunk);
  const MagnitudeGradient arguments{.dy = dy.data,
                                    .x = call.inputs[1].data,
                                    .norm = call.inputs[2].as<const float>(),
                                    .partial = Scratch(context.scratch.data()).take<float>(chunks * columns),
                                    .rows = rows,
                                    .columns = columns};
  CudaGrid grid = pack_grid(columns, dy.dtype);
  grid.y = chunks;
  device_of(context).launch("magnitude", entry("magnitude_gradient", dy.dtype), grid, arguments);
  sum_partials(context, arguments.partial, chunks, columns, call.outputs[0].as<float>(),
               call.outputs[0].accumulate);
}

}  // namespace

void register_magnitude(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    table.add("magnitude", dtype, {forward});
    table.add("magnitude_gradient", dtype, {gradient, gradient_scratch});
  }
}

}  // namespace attune::cuda
