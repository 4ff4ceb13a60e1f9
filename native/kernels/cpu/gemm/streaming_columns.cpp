// C (M, N) for few rows M where B's columns are contiguous: dot products, four columns at a time, far apart
// in memory. An element's sum is taken in the same order however many rows there are.

#include "kernels/cpu/gemm/streaming_columns.h"

#include "kernels/cpu/gemm/lines.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// Rows of A that share one load of B.
constexpr int kRowsAtOnce = 4;

template <class Lines>
using FactorOf = typename Lines::Factors::Element;

/// sums[r * kStreamingColumns + c * step] += the sum of vector (r, c).
template <int kRows, int kAtOnce>
ATTUNE_INLINE void add_reduced(const Vec (&vectors)[kRows][kAtOnce], float* sums, std::int64_t step) {
#if defined(ATTUNE_AVX512)
  if constexpr (kRows == 4 && kAtOnce == 4) {
    alignas(64) float reduced[16];
    store(reduced, reduce_add(vectors));
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) sums[i / 4 * kStreamingColumns + i % 4 * step] += reduced[i];
    return;
  }
#endif
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < kAtOnce; ++c) sums[r * kStreamingColumns + c * step] += reduce_add(vectors[r][c]);
  }
}

/// Which of the passes over the same lines this is, each with other rows.
struct Pass {
  std::int64_t index = 0;
  std::int64_t count = 1;
};

/// sums[r * kStreamingColumns + c * step] += row r of a . line `first + c * step`, for kRows rows and kAtOnce
/// lines.
template <int kRows, int kAtOnce, class Lines>
ATTUNE_INLINE void dot_lines(const FactorOf<Lines>* a, std::int64_t a_stride, const Lines& b,
                             std::int64_t first, std::int64_t step, std::int64_t depth, Pass pass,
                             float* sums) {
  using Run = typename Lines::Run;
  using Factors = typename Lines::Factors;
  Vec sum[kRows][kAtOnce];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < kAtOnce; ++c) sum[r][c] = zero();
  }
  // The length is a constant where it is a block's, so that the compiler lays the block out whole.
  const auto multiply = [&](std::int64_t block, std::int64_t count) {
    Run runs[kAtOnce] = {b.run(first, block)};
#pragma GCC unroll 4
    for (int c = 1; c < kAtOnce; ++c) runs[c] = b.run(first + c * step, block);
    // Of several passes each brings a part of the lines that come next: the first would wait for all of them.
    if (pass.count > 1) {
      const std::int64_t ahead = (pass.index * depth + block) / pass.count;
#pragma GCC unroll 4
      for (int c = 0; c < kAtOnce; ++c) b.ask(first + c * step + 1, ahead);
    }
    const FactorOf<Lines>* from = a + block;
    std::int64_t k = 0;
    for (; k + Factors::kStep <= count; k += Factors::kStep) {
      Vec row[kRows];
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) row[r] = Factors::at(from + r * a_stride + k);
#pragma GCC unroll 4
      for (int c = 0; c < kAtOnce; ++c) {
        if (pass.count == 1) runs[c].ask(k);
        const Vec column = runs[c].at(k);
#pragma GCC unroll 4
        for (int r = 0; r < kRows; ++r) sum[r][c] = Factors::multiply_add(row[r], column, sum[r][c]);
      }
    }
    if (k == count) return;
#pragma GCC unroll 4
    for (int c = 0; c < kAtOnce; ++c) {
      const Vec column = runs[c].partial(k, count - k);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const Vec row = Factors::partial(from + r * a_stride + k, count - k);
        sum[r][c] = Factors::multiply_add(row, column, sum[r][c]);
      }
    }
  };
  std::int64_t block = 0;
  for (; block + kQuantizedBlock <= depth; block += kQuantizedBlock) multiply(block, kQuantizedBlock);
  if (block < depth) multiply(block, depth - block);
  add_reduced<kRows, kAtOnce>(sum, sums, step);
}

/// As many sums as registers hold: 16 of 16 would leave none for what is multiplied.
template <int kRows, class Lines>
ATTUNE_INLINE void dot_streams(const FactorOf<Lines>* a, std::int64_t a_stride, const Lines& b,
                               std::int64_t first, std::int64_t step, std::int64_t depth, Pass pass,
                               float* sums) {
  if constexpr (kRows <= 2 || Vec::kWidth == 16) {
    dot_lines<kRows, kStreams>(a, a_stride, b, first, step, depth, pass, sums);
  } else {
    dot_lines<kRows, kStreams / 2>(a, a_stride, b, first, step, depth, pass, sums);
    dot_lines<kRows, kStreams / 2>(a, a_stride, b, first + 2 * step, step, depth, pass, sums + 2 * step);
  }
}

template <class Lines>
ATTUNE_INLINE void dot_rows(const FactorOf<Lines>* a, std::int64_t rows, std::int64_t a_stride,
                            const Lines& b, std::int64_t first, std::int64_t step, std::int64_t depth,
                            float* sums) {
  for (std::int64_t r = 0; r < rows; r += kRowsAtOnce) {
    const FactorOf<Lines>* from = a + r * a_stride;
    float* to = sums + r * kStreamingColumns;
    const Pass pass{r / kRowsAtOnce, ceil_divide(rows, kRowsAtOnce)};
    switch (rows - r) {
      case 1:
        dot_streams<1>(from, a_stride, b, first, step, depth, pass, to);
        break;
      case 2:
        dot_streams<2>(from, a_stride, b, first, step, depth, pass, to);
        break;
      case 3:
        dot_streams<3>(from, a_stride, b, first, step, depth, pass, to);
        break;
      default:
        dot_streams<kRowsAtOnce>(from, a_stride, b, first, step, depth, pass, to);
    }
  }
}

template <class Lines>
void dot(const RowsOf<FactorOf<Lines>>& a, const Lines& b, std::int64_t columns, std::int64_t depth,
         float* sums) {
  const std::int64_t step = columns / kStreams;
  for (std::int64_t j = 0; j < step; ++j) dot_rows(a.data, a.count, a.stride, b, j, step, depth, sums + j);
  for (std::int64_t j = kStreams * step; j < columns; ++j) {
    for (std::int64_t r = 0; r < a.count; ++r)
      dot_lines<1, 1>(a.data + r * a.stride, a.stride, b, j, 1, depth, {}, sums + r * kStreamingColumns + j);
  }
}

/// Columns whose blocks begin anywhere, as floats in `unpacked` (kStreams, depth) on their way.
void dot_unpacked(const Rows& a, const Matrix& b, std::int64_t column, std::int64_t columns,
                  std::int64_t depth, float* unpacked, float* sums) {
  const QuantizedView view = view_quantized(b.dtype, b.data, b.elements);
  for (std::int64_t j = 0; j < columns; j += kStreams) {
    const std::int64_t count = minimum(kStreams, columns - j);
    for (std::int64_t c = 0; c < count; ++c)
      unpack(view, (column + j + c) * b.column_stride, depth, unpacked + c * depth);
    dot(a, PlainLines<float>{unpacked, depth}, count, depth, sums + j);
  }
}

}  // namespace

void add_dots(const Rows& a, const Product& product, std::int64_t column, std::int64_t columns,
              float* unpacked, float* sums) {
  const Matrix& b = product.b;
#if defined(ATTUNE_BF16_PAIRS)
  if (multiplies_pairs(product)) {
    const RowsOf<bfloat16> rows{static_cast<const bfloat16*>(product.a.data), product.a.row_stride, a.count};
    dot(rows, plain_lines<bfloat16, PairFactors>(b, column, 0), columns, product.depth, sums);
    return;
  }
#endif
  if (unpacks(b, product.depth)) {
    dot_unpacked(a, b, column, columns, product.depth, unpacked, sums);
  } else if (b.dtype == DType::int8) {
    dot(a, int8_lines(b, column, 0), columns, product.depth, sums);
  } else if (b.dtype == DType::bf16) {
    dot(a, plain_lines<bfloat16>(b, column, 0), columns, product.depth, sums);
  } else {
    dot(a, plain_lines<float>(b, column, 0), columns, product.depth, sums);
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
