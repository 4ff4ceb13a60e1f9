#pragma once

// The running softmax of 16 rows of a warp (FlashAttention-2, Dao 2023).

#include "kernels/cuda/attention_fragments.cuh"
#include "kernels/cuda/attention_scores.cuh"

namespace attune::cuda {

/// Over the four lanes that share a row of accumulators.
__device__ inline float row_max(float value) {
  value = fmaxf(value, __shfl_xor_sync(0xffffffffU, value, 1));
  return fmaxf(value, __shfl_xor_sync(0xffffffffU, value, 2));
}
__device__ inline float row_sum(float value) {
  value += __shfl_xor_sync(0xffffffffU, value, 1);
  return value + __shfl_xor_sync(0xffffffffU, value, 2);
}

/// Of a row that has seen nothing yet; exponents of it are 0, not infinity less infinity.
__device__ inline float reference_of(float highest) { return highest == -kInfinity ? 0.0F : highest; }

/// A lane's two rows, lane / 4 and lane / 4 + 8.
template <int D>
struct RunningSoftmax {
  float o[D / 8][4] = {};
  float highest[2] = {-kInfinity, -kInfinity};
  float sum[2] = {0.0F, 0.0F};  ///< of this lane's columns

  /// Scores become probabilities relative to the highest so far; o is brought up to date.
  template <int N>
  __device__ void update(float (&s)[N][4]) {
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      const float before = highest[row];
#pragma unroll
      for (int n = 0; n < N; ++n) highest[row] = fmaxf(highest[row], fmaxf(s[n][2 * row], s[n][2 * row + 1]));
      highest[row] = row_max(highest[row]);
      const float reference = reference_of(highest[row]);
      const float rescale = exp2_fast(before - reference);
      sum[row] *= rescale;
#pragma unroll
      for (int n = 0; n < N; ++n) {
#pragma unroll
        for (int i = 2 * row; i < 2 * row + 2; ++i) {
          s[n][i] = exp2_fast(s[n][i] - reference);
          sum[row] += s[n][i];
        }
      }
#pragma unroll
      for (int n = 0; n < D / 8; ++n) {
        o[n][2 * row] *= rescale;
        o[n][2 * row + 1] *= rescale;
      }
    }
  }
};

/// A lane's two rows.
struct QueryRows {
  const float* bias[2];  ///< of their heads
  int query[2];          ///< their positions
};

/// Products become scores; what is not seen becomes -infinity. `key`: the first column. `simple`: every row
/// sees every column, and scores are scaled products.
template <int N>
__device__ inline void finish_scores(const ScoreRule& rule, const Sight& sight, const QueryRows& rows,
                                     int key, bool simple, float (&s)[N][4]) {
  if (simple) {
    const float scale = rule.scale * kLog2e;
#pragma unroll
    for (int n = 0; n < N; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) s[n][i] *= scale;
    }
    return;
  }
#pragma unroll
  for (int row = 0; row < 2; ++row) {
    const Range seen = sight.keys_of(rows.query[row]);
#pragma unroll
    for (int n = 0; n < N; ++n) {
#pragma unroll
      for (int i = 2 * row; i < 2 * row + 2; ++i) {
        const int column = key + n * 8 + lane_id() % 4 * 2 + i % 2;
        const float value = score_of(rule, s[n][i], rows.bias[row], column - rows.query[row]).value;
        s[n][i] = seen.has(column) ? value : -kInfinity;
      }
    }
  }
}

}  // namespace attune::cuda
