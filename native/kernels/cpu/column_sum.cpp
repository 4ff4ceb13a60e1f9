// sum[n] (+)= sum over t of dy[t, n]
// dy (T, N) float32 or bfloat16; sum (N) float32
// Nothing saved: this is the gradient of a bias.

#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/kernels.h"
#include "kernels/linear.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// Rows summed one after another into one partial sum; partial sums are then added in order. 32 keeps the
// error of float32 sums near that of a pairwise sum and gives T = 512 sixteen tasks.
constexpr std::int64_t kChunkRows = 32;
constexpr std::int64_t kFoldColumns = 1024;  // 4 KiB of each partial sum per task

std::int64_t chunks_of(const TensorView& dy) { return ceil_divide(dy.shape.rows(), kChunkRows); }

ATTUNE_INLINE std::int64_t lanes(std::int64_t left) { return left < Vec::kWidth ? left : Vec::kWidth; }

/// out[n] = or += sum of `rows` rows.
template <class T>
void sum_rows(const T* rows, std::int64_t count, std::int64_t stride, std::int64_t columns, float* out,
              bool add) {
  std::int64_t n = 0;
  for (; n + 4 * Vec::kWidth <= columns; n += 4 * Vec::kWidth) {
    Vec sum[4];
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) sum[v] = add ? load(out + n + v * Vec::kWidth) : zero();
    for (std::int64_t t = 0; t < count; ++t) {
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) sum[v] = sum[v] + load(rows + t * stride + n + v * Vec::kWidth);
    }
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) store(out + n + v * Vec::kWidth, sum[v]);
  }
  for (; n < columns; n += Vec::kWidth) {
    const std::int64_t width = lanes(columns - n);
    Vec sum = add ? load_partial(out + n, width) : zero();
    for (std::int64_t t = 0; t < count; ++t) sum = sum + load_partial(rows + t * stride + n, width);
    store_partial(out + n, sum, width);
  }
}

template <class T>
void column_sum(KernelContext& context, const KernelCall& call) {
  const TensorView& dy = call.inputs[0];
  const TensorView& out = call.outputs[0];
  const std::int64_t rows = dy.shape.rows();
  const std::int64_t columns = dy.shape.columns();
  const std::int64_t chunks = chunks_of(dy);
  float* partial = reinterpret_cast<float*>(context.scratch.data());

  context.pool.run(chunks, [&](std::int64_t chunk, int /*thread*/) {
    const std::int64_t first = chunk * kChunkRows;
    const std::int64_t count = rows - first < kChunkRows ? rows - first : kChunkRows;
    sum_rows(dy.as<T>() + first * columns, count, columns, columns, partial + chunk * columns, false);
  });
  context.pool.run(ceil_divide(columns, kFoldColumns), [&](std::int64_t task, int /*thread*/) {
    const std::int64_t n = task * kFoldColumns;
    const std::int64_t width = columns - n < kFoldColumns ? columns - n : kFoldColumns;
    sum_rows(partial + n, chunks, columns, width, out.as<float>() + n, out.accumulate);
  });
}

std::size_t scratch(const KernelCall& call, int /*threads*/) {
  const TensorView& dy = call.inputs[0];
  return static_cast<std::size_t>(chunks_of(dy) * dy.shape.columns()) * sizeof(float);
}

}  // namespace

void register_column_sum(KernelTable& table) {
  table.add("column_sum", DType::f32, {column_sum<float>, scratch});
  table.add("column_sum", DType::bf16, {column_sum<bfloat16>, scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
