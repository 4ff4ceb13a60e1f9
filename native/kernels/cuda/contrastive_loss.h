#pragma once

#include <cstdint>

#include "kernels/cuda/tensor.h"

namespace attune::cuda {

inline constexpr int kContrastiveThreads = 128;
/// Rows, columns and depth of a tile of a product.
inline constexpr int kContrastiveTile = 32;

/// factors[r] = 1 / length of x's row r
struct ContrastiveFactors {
  const void* x;
  float* factors;
  std::int64_t rows;
  std::int64_t columns;
};

/// Element (i, k) of a factor is data[i * stride + k * depth_stride]; one of the strides is 1.
struct ContrastiveFactor {
  FloatTensor data;
  std::int64_t stride;
  std::int64_t depth_stride;
};

/// to[i, j] = sum over k of left(i, k) depth_factors[k] right(j, k)
struct ContrastiveProduct {
  ContrastiveFactor left;
  ContrastiveFactor right;
  const float* depth_factors;  ///< or null: all 1
  float* to;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t depth;
};

/// Losses of rows of scores, which become scale d loss / d cosine where a gradient is wanted.
struct ContrastiveRows {
  float* scores;  ///< (R, N) products
  const float* anchor_factors;
  const float* candidate_factors;
  const std::int32_t* labels;
  const float* loss_scale;
  float* row_loss;
  std::int32_t* prediction;
  std::int64_t rows;
  std::int64_t candidates;
  float scale;
  bool gradient;
};

/// dx from what arrives at x's rows of length 1.
struct ContrastiveGradient {
  const float* arriving;
  const void* x;
  const float* factors;
  void* dx;
  std::int64_t rows;
  std::int64_t columns;
};

}  // namespace attune::cuda
