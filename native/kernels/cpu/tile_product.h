#pragma once

// Small matrix products on tiles that lie in the first- or second-level cache: C (m, n) = A (m, depth) B
// (depth, n).

#include "kernels/cpu/simd.h"

namespace attune::cpu::ATTUNE_ISA {

/// Row r has something in [r + low, r + high) only: the diagonal of a causal mask, the stripe of a window.
struct Band {
  static constexpr std::int64_t kFar = 1 << 23;  // past any tile
  std::int64_t low = -kFar;
  std::int64_t high = kFar;
};

/// A and how its elements lie: a transposed tile has row_step 1. B and C are row-major, their rows padded to
/// whole vectors, so that no lane needs a mask.
struct TileProduct {
  const float* a;
  std::int64_t row_step;
  std::int64_t depth_step;
  const float* b;
  std::int64_t b_step;
  float* c;
  std::int64_t c_step;
  bool accumulate = false;           ///< C += A B
  const float* row_scale = nullptr;  ///< with accumulate: C = row_scale C + A B, one factor per row
  Band depth_band{};                 ///< of A's zeros: what lies outside is not read
  Band column_band{};                ///< of C: what lies outside is not needed and may stay as it was
};

/// Rows and vectors of C held in registers: 6 x 4 of 32 registers, or 6 x 2 of 16 (4 x 2 for a compiler that
/// needs more). Enough independent sums to hide the latency of fma, and fewer loads than multiplications.
inline constexpr int kProductRows = Vec::kRegisters == 32 || Vec::kWidth == 8 ? 6 : 4;
inline constexpr int kProductVectors = Vec::kRegisters == 32 ? 4 : 2;

template <int Rows, int Vectors>
ATTUNE_INLINE void multiply_block(const TileProduct& t, std::int64_t row, std::int64_t column,
                                  std::int64_t depth) {
  Vec sum[Rows][Vectors];
  float* const c = t.c + row * t.c_step + column;
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
    const Vec scale = t.row_scale != nullptr ? broadcast(t.row_scale[row + r]) : broadcast(1.0F);
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      sum[r][v] = t.accumulate ? load(c + r * t.c_step + v * Vec::kWidth) * scale : zero();
    }
  }
  std::int64_t k = row + t.depth_band.low;
  if (k < 0) k = 0;
  if (row + Rows - 1 + t.depth_band.high < depth) depth = row + Rows - 1 + t.depth_band.high;
  const float* a = t.a + row * t.row_step + k * t.depth_step;
  const float* b = t.b + k * t.b_step + column;
#pragma GCC unroll 4
  for (; k < depth; ++k) {
    Vec right[Vectors];
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) right[v] = load(b + v * Vec::kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const Vec left = broadcast(a[r * t.row_step]);
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) sum[r][v] = fma(left, right[v], sum[r][v]);
    }
    a += t.depth_step;
    b += t.b_step;
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) store(c + r * t.c_step + v * Vec::kWidth, sum[r][v]);
  }
}

template <int Vectors>
ATTUNE_INLINE void multiply_columns(const TileProduct& t, std::int64_t rows, std::int64_t column,
                                    std::int64_t depth) {
  const auto needed = [&](std::int64_t first, std::int64_t last) {
    return column + Vectors * Vec::kWidth > first + t.column_band.low && column < last + t.column_band.high;
  };
  std::int64_t row = 0;
  const auto multiply = [&]<int Rows>() {
    for (; row + Rows <= rows; row += Rows) {
      if (needed(row, row + Rows - 1)) multiply_block<Rows, Vectors>(t, row, column, depth);
    }
  };
  multiply.template operator()<kProductRows>();
  if (kProductRows > 4) multiply.template operator()<4>();  // a tile of 64 rows is 10 times 6, and 4
  multiply.template operator()<1>();
}

/// `columns` counts whole vectors' lanes.
inline void multiply_tile(const TileProduct& t, std::int64_t rows, std::int64_t columns, std::int64_t depth) {
  constexpr std::int64_t kWidth = Vec::kWidth;
  std::int64_t column = 0;
  // Narrow blocks where some of them can be left out.
  const bool whole = t.column_band.low + rows <= 1 && t.column_band.high >= columns;
  if (whole) {
    for (; column + kProductVectors * kWidth <= columns; column += kProductVectors * kWidth) {
      multiply_columns<kProductVectors>(t, rows, column, depth);
    }
  }
  for (; column + 2 * kWidth <= columns; column += 2 * kWidth) multiply_columns<2>(t, rows, column, depth);
  for (; column < columns; column += kWidth) multiply_columns<1>(t, rows, column, depth);
}

}  // namespace attune::cpu::ATTUNE_ISA
