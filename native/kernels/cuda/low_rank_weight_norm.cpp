#include "kernels/cuda/low_rank_weight_norm.h"

#include "kernels/cuda/column_sum.h"
#include "kernels/cuda/multiply.h"
#include "kernels/cuda/sum_columns.h"
#include "kernels/low_rank_weight_norm.h"

namespace attune::cuda {
namespace {

// W + scale B A of a chunk of W's rows: 16 MiB, which stay in the cache between product and norm, so that W
// alone comes from memory.
constexpr std::int64_t kChunkFloats = std::int64_t{4} << 20;

struct Problem {
  const LowRankWeightNormArguments& arguments;
  const TensorView& w;
  const TensorView& a;
  const TensorView& b;
  std::int64_t rows;  ///< of W as it is stored
  std::int64_t columns;
  std::int64_t chunk_rows;  ///< whole chunks of column sums, so that these follow each other

  explicit Problem(const KernelCall& call)
      : arguments(call.as<LowRankWeightNormArguments>()),
        w(call.inputs[0]),
        a(call.inputs[1]),
        b(call.inputs[2]),
        rows(w.shape.rows()),
        columns(w.shape.columns()),
        chunk_rows(
            std::max<std::int64_t>(1, kChunkFloats / std::max<std::int64_t>(1, columns) / kColumnChunk) *
            kColumnChunk) {}
  [[nodiscard]] bool out_in() const { return arguments.layout == WeightLayout::out_in; }
  [[nodiscard]] std::int64_t longest() const { return std::min(rows, chunk_rows); }
};

[[nodiscard]] void* advance(const TensorView& view, std::int64_t elements) {
  return view.data == nullptr
             ? nullptr
             : view.as<std::byte>() + static_cast<std::size_t>(elements) * size_of(view.dtype);
}

/// sums (count, columns) = rows of W + scale B A, or of W + scale A^T B^T.
[[nodiscard]] Multiplication sums_of(const Problem& problem, std::int64_t row, std::int64_t count,
                                     float* sums) {
  Multiplication out;
  out.rows = count;
  out.columns = problem.columns;
  Product& product = out.products[0];
  product = {stored(problem.b), stored(problem.a), problem.a.shape.rows(), problem.arguments.scale};
  if (problem.out_in()) {
    product.left.data = advance(problem.b, row * problem.b.shape.columns());
  } else {
    product.left = {advance(problem.a, row), problem.a.dtype, problem.a.shape.columns(), true};
    product.right = stored(problem.b, true);
  }
  out.addend = advance(problem.w, row * problem.columns);
  out.addend_stride = problem.columns;
  out.c = sums;
  out.c_stride = problem.columns;
  return out;
}

struct Pieces {
  float* sums;     ///< (longest chunk, columns)
  float* squares;  ///< (chunks of columns, columns)
  std::byte* product;
};

[[nodiscard]] Pieces lay_out(Scratch& scratch, const Problem& problem) {
  return {.sums = scratch.take<float>(problem.longest() * problem.columns),
          .squares =
              problem.out_in() ? nullptr : scratch.take<float>(column_chunks(problem.rows) * problem.columns),
          .product = scratch.take<std::byte>(0)};
}

void run(KernelContext& context, const KernelCall& call) {
  const Problem problem(call);
  const std::int64_t columns = problem.columns;
  const TensorView& norm = call.outputs[0];
  CudaDevice& device = device_of(context);
  if (problem.rows == 0 || columns == 0) {
    device.zero(norm.as<std::byte>(), static_cast<std::size_t>(norm.shape.elements()) * sizeof(float));
    return;
  }
  Scratch scratch(context.scratch.data());
  const Pieces pieces = lay_out(scratch, problem);
  for (std::int64_t row = 0; row < problem.rows; row += problem.chunk_rows) {
    const std::int64_t count = std::min(problem.chunk_rows, problem.rows - row);
    multiply(context, pieces.product, sums_of(problem, row, count, pieces.sums));
    if (problem.out_in()) {
      device.launch("low_rank_weight_norm", "row_norms", {.x = count, .threads = kRowNormThreads},
                    RowNorms{.rows = pieces.sums, .norm = norm.as<float>() + row, .columns = columns});
    } else {
      sum_column_square_chunks(context, {pieces.sums, DType::f32, count, columns, columns},
                               pieces.squares + column_chunks(row) * columns);
    }
  }
  if (problem.out_in()) return;
  device.launch("low_rank_weight_norm", "column_norms",
                {.x = divide_up(columns, kColumnNormThreads), .threads = kColumnNormThreads},
                ColumnNorms{.squares = pieces.squares,
                            .norm = norm.as<float>(),
                            .chunks = column_chunks(problem.rows),
                            .count = columns});
}

std::size_t scratch_bytes(const KernelCall& call, int /*threads*/) {
  const Problem problem(call);
  Scratch scratch;
  static_cast<void>(lay_out(scratch, problem));
  std::size_t product = multiply_scratch(sums_of(problem, 0, problem.longest(), nullptr));
  const std::int64_t last = problem.rows % problem.chunk_rows;
  if (last > 0) product = std::max(product, multiply_scratch(sums_of(problem, 0, last, nullptr)));
  return scratch.bytes() + product;
}

}  // namespace

void register_low_rank_weight_norm(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16})
    table.add("low_rank_weight_norm", dtype, {run, scratch_bytes});
}

}  // namespace attune::cuda
