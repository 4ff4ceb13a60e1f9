// norm[n] = |row n of W + scale B A|
// W (N, K) or (K, N), A (R, K), B (N, R), norm float32 (N)
// No backward. W + scale B A is made in chunks of W's rows, in W's own layout: summing it and then squaring
// does not cancel as |W|^2 + 2 scale W.BA + |scale BA|^2 does.

#include "kernels/low_rank_weight_norm.h"

#include "core/aligned_memory.h"
#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- choose: rows of a chunk, and its product

// A chunk of 4 MiB of floats; each costs a packing of A or B, which is small.
constexpr std::int64_t kChunkFloats = std::int64_t{1} << 20;

struct Problem {
  const LowRankWeightNormArguments& arguments;
  const TensorView& w;
  const TensorView& a;
  const TensorView& b;
  std::int64_t columns;  ///< of W as it is stored
  EvenSplit chunks;      ///< of its rows

  explicit Problem(const KernelCall& call)
      : arguments(call.as<LowRankWeightNormArguments>()),
        w(call.inputs[0]),
        a(call.inputs[1]),
        b(call.inputs[2]),
        columns(w.shape.columns()),
        chunks(split_by(w.shape.rows(), maximum(1, kChunkFloats / maximum(1, columns)))) {}
  [[nodiscard]] bool out_in() const { return arguments.layout == WeightLayout::out_in; }
};

Matrix from_row(const TensorView& view, std::int64_t row, std::int64_t row_stride,
                std::int64_t column_stride) {
  const std::size_t bytes = static_cast<std::size_t>(row * row_stride) * size_of(view.dtype);
  void* const data = view.data == nullptr ? nullptr : view.as<std::byte>() + bytes;
  return {data, view.dtype, row_stride, column_stride};
}

/// sums (rows, columns of W) = rows of W + scale B A, or of W + scale A^T B^T.
Gemm sums_gemm(const Problem& problem, std::int64_t row, std::int64_t rows, float* sums) {
  const std::int64_t rank = problem.a.shape.rows();
  const std::int64_t inputs = problem.a.shape.columns();
  Gemm out;
  out.rows = rows;
  out.columns = problem.columns;
  out.products[0] = problem.out_in()
                        ? Product{from_row(problem.b, row, rank, 1), from_row(problem.a, 0, inputs, 1), rank,
                                  problem.arguments.scale}
                        : Product{from_row(problem.a, row, 1, inputs), from_row(problem.b, 0, 1, rank), rank,
                                  problem.arguments.scale};
  out.product_count = 1;
  out.addend = from_row(problem.w, row, problem.columns, 1);
  out.c = sums;
  out.c_stride = problem.columns;
  return out;
}

// ---- kernels

/// Rows are outputs.
void row_norms(ThreadPool& pool, const float* sums, std::int64_t rows, std::int64_t columns, float* norm) {
  run_rows(pool, rows, rows_of_task(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      norm[r] = __builtin_sqrtf(sum_of(columns, [&](std::int64_t i, auto lanes) {
        const Vec v = load(sums + r * columns + i, lanes);
        return v * v;
      }));
    }
  });
}

constexpr std::int64_t kTaskColumns = 256;  // 1 KiB of each row

/// Columns are outputs: adds the squares of these rows, in order.
void add_column_squares(ThreadPool& pool, const float* sums, std::int64_t rows, std::int64_t columns,
                        float* squares) {
  run_rows(pool, columns, kTaskColumns, [&](std::int64_t begin, std::int64_t end) {
    for_vectors(end - begin, [&](std::int64_t i, auto lanes) {
      Vec sum = load(squares + begin + i, lanes);
      for (std::int64_t r = 0; r < rows; ++r) {
        const Vec v = load(sums + r * columns + begin + i, lanes);
        sum = fma(v, v, sum);
      }
      store(squares + begin + i, sum, lanes);
    });
  });
}

// ---- launch

void run(KernelContext& context, const KernelCall& call) {
  const Problem problem(call);
  const std::int64_t columns = problem.columns;
  auto* norm = call.outputs[0].as<float>();
  const std::int64_t outputs = call.outputs[0].shape.rows();
  auto* sums = reinterpret_cast<float*>(context.scratch.data());
  std::byte* product_scratch =
      context.scratch.data() +
      align_up(static_cast<std::size_t>(problem.chunks.longest() * columns) * sizeof(float));
  for_vectors(outputs, [&](std::int64_t i, auto lanes) { store(norm + i, zero(), lanes); });
  if (problem.w.shape.elements() == 0) return;
  for (std::int64_t chunk = 0; chunk < problem.chunks.parts; ++chunk) {
    const std::int64_t row = problem.chunks.begin(chunk);
    const std::int64_t rows = problem.chunks.begin(chunk + 1) - row;
    gemm(context.pool, product_scratch, sums_gemm(problem, row, rows, sums));
    if (problem.out_in()) {
      row_norms(context.pool, sums, rows, columns, norm + row);
    } else {
      add_column_squares(context.pool, sums, rows, columns, norm);
    }
  }
  if (problem.out_in()) return;
  for_vectors(outputs,
              [&](std::int64_t i, auto lanes) { store(norm + i, sqrt(load(norm + i, lanes)), lanes); });
}

std::size_t scratch(const KernelCall& call, int threads) {
  const Problem problem(call);
  const std::int64_t rows = problem.chunks.longest();
  std::size_t products = gemm_scratch(sums_gemm(problem, 0, rows, nullptr), threads);
  // Chunks differ by one row, and few rows take another path with other scratch.
  if (rows > 1) {
    const std::size_t shorter = gemm_scratch(sums_gemm(problem, 0, rows - 1, nullptr), threads);
    products = shorter > products ? shorter : products;
  }
  return align_up(static_cast<std::size_t>(rows * problem.columns) * sizeof(float)) + products;
}

}  // namespace

void register_low_rank_weight_norm(KernelTable& table) {
  table.add("low_rank_weight_norm", DType::f32, {run, scratch});
  table.add("low_rank_weight_norm", DType::bf16, {run, scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
