#pragma once

// What the two kernels of attention_backward share: from products to probabilities and the scores' gradient.

#include "kernels/cuda/attention_rows.cuh"
#include "kernels/cuda/attention_scores.cuh"

namespace attune::cuda {

/// Shared memory of a block: two tiles of its own rows, two buffers of two passing tiles, and what is beside
/// them.
template <class T, int D>
struct GradientMemory {
  static constexpr AttentionTiles kTiles = backward_tiles(sizeof(T), D, false);
  static constexpr int kPassing = kTiles.passing;
  static constexpr int kOwnElements = kTiles.rows * kPitch<T, D>;
  static constexpr int kPassingElements = kPassing * kPitch<T, D>;
  static constexpr int kAllRows = 2 * kTiles.rows + 4 * kPassing;

  T* shared;
  /// `which`: 0 or 1.
  [[nodiscard]] __device__ T* own(int which) const { return shared + which * kOwnElements; }
  [[nodiscard]] __device__ T* own_of_warp(int which) const {
    return own(which) + warp_id() * 16 * kPitch<T, D>;
  }
  [[nodiscard]] __device__ T* passing(int which, int tile) const {
    return shared + 2 * kOwnElements + (tile % 2 * 2 + which) * kPassingElements;
  }
  template <class U>
  [[nodiscard]] __device__ U* beside() const {
    return reinterpret_cast<U*>(shared + kAllRows * kPitch<T, D>);
  }
};

/// c (16, N * 8) = a warp's 16 rows of a tile times the transposed passing tile.
template <class T, int D, int N>
__device__ inline void multiply_tiles(float (&c)[N][4], const T* own, const T* passing) {
  const auto left = [&](int depth) { return Fragments<T>::load_left(own + depth, kPitch<T, D>); };
  multiply_by_rows<T, D>(c, left, passing);
}

/// p = exp(score - lse) in place of the product s, and ds = p (dp - delta) in place of dp, where nothing but
/// the scale is between product and score. `statistics(n, i)`: of element i of columns n.
template <int N, class StatisticsAt>
__device__ inline void simple_gradients(const ScoreRule& rule, const StatisticsAt& statistics,
                                        float (&s)[N][4], float (&dp)[N][4]) {
  const float scale = rule.scale * kLog2e;
#pragma unroll
  for (int n = 0; n < N; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const RowStatistics row = statistics(n, i);
      s[n][i] = exp2_fast(s[n][i] * scale - row.lse);
      dp[n][i] = s[n][i] * (dp[n][i] - row.delta);
    }
  }
}

struct ElementGradient {
  float kept;     ///< probability after dropout
  float d_score;  ///< gradient of the score as the bias has it
  float d_product;
};

/// The same of one element for every rule. `factor`: dropout's.
__device__ inline ElementGradient gradient_of(const ScoreRule& rule, const RowStatistics& row, float product,
                                              float dp, const float* bias, int distance, float factor,
                                              bool seen) {
  if (!seen) return {0.0F, 0.0F, 0.0F};
  const Score score = score_of(rule, product, bias, distance);
  const float p = exp2_fast(score.value - row.lse);
  const float d_score = p * (dp * factor - row.delta);
  return {p * factor, d_score, d_score * score.slope};
}

}  // namespace attune::cuda
