#include "kernels/cuda/column_sum.h"

#include "kernels/cuda/sum_columns.h"

namespace attune::cuda {
namespace {

void launch(KernelContext& context, const Columns& from, float* partial, const std::string& kernel) {
  const auto pack = static_cast<std::int64_t>(16 / size_of(from.dtype));
  const bool packs = from.stride % pack == 0 && from.columns % pack == 0 &&
                     reinterpret_cast<std::uintptr_t>(from.data) % 16 == 0;
  device_of(context).launch("column_sum", kernel,
                            {.x = divide_up(from.columns, 32 * (packs ? pack : 1)),
                             .y = column_chunks(from.rows),
                             .threads = kColumnThreads},
                            ColumnSum{.from = from.data,
                                      .stride = from.stride,
                                      .packs = packs,
                                      .partial = partial,
                                      .rows = from.rows,
                                      .columns = from.columns});
}

void run(KernelContext& context, const KernelCall& call) {
  const TensorView& dy = call.inputs[0];
  const std::int64_t columns = dy.shape.columns();
  const std::int64_t chunks = column_chunks(dy.shape.rows());
  auto* const partial = Scratch(context.scratch.data()).take<float>(chunks * columns);
  sum_column_chunks(context, {dy.data, dy.dtype, dy.shape.rows(), columns, columns}, partial);
  sum_partials(context, partial, chunks, columns, call.outputs[0].as<float>(), call.outputs[0].accumulate);
}

std::size_t scratch(const KernelCall& call, int /*threads*/) {
  const Shape& dy = call.inputs[0].shape;
  Scratch scratch;
  static_cast<void>(scratch.take<float>(column_chunks(dy.rows()) * dy.columns()));
  return scratch.bytes();
}

}  // namespace

std::int64_t column_chunks(std::int64_t rows) { return divide_up(rows, kColumnChunk); }

void sum_column_chunks(KernelContext& context, const Columns& from, float* partial) {
  launch(context, from, partial, entry("column_sum", from.dtype));
}

void sum_column_square_chunks(KernelContext& context, const Columns& from, float* partial) {
  launch(context, from, partial, "column_squares_f32");
}

void register_column_sum(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) table.add("column_sum", dtype, {run, scratch});
}

}  // namespace attune::cuda
