// contrastive_loss: cross-entropy over scale * cosine(anchor, candidate); anchors (R, D), candidates (N, D).
// The scores, (R, N) in scratch, become their gradients in place; a pair's two gradients are sums over a row
// and a column of them. Products are plain float32: a batch of some hundred pairs is a thousandth of what its
// encoder takes.

#include "kernels/cuda/contrastive_loss.h"

#include "kernels/cuda/cross_entropy_row.cuh"
#include "kernels/cuda/unit_rows.cuh"

namespace attune::cuda {
namespace {

/// As torch.nn.functional.normalize.
constexpr float kEps = 1e-12F;

template <class T>
__device__ void contrastive_factors(const ContrastiveFactors& a) {
  const std::int64_t row = warp_of_grid();
  if (row >= a.rows) return;
  const float factor = unit_factor(static_cast<const T*>(a.x) + row * a.columns, a.columns, kEps);
  if (lane_id() == 0) a.factors[row] = factor;
}

// ---- products: a block has a tile, a thread 4 rows and 2 columns of it

/// One column more, so that neither way of filling it has conflicts of banks.
using Tile = float[kContrastiveTile][kContrastiveTile + 1];  // (depth, row)

/// Neighbouring threads take what is neighbouring in memory.
__device__ void fill(Tile& tile, const ContrastiveFactor& from, const float* factors, std::int64_t first_row,
                     std::int64_t rows, std::int64_t first_depth, std::int64_t depth) {
  const bool along_depth = from.depth_stride == 1;
  for (int e = static_cast<int>(threadIdx.x); e < kContrastiveTile * kContrastiveTile;
       e += kContrastiveThreads) {
    const int fast = e % kContrastiveTile;
    const int slow = e / kContrastiveTile;
    const int i = along_depth ? slow : fast;
    const int k = along_depth ? fast : slow;
    float value = 0.0F;
    if (first_row + i < rows && first_depth + k < depth) {
      value = element(from.data, (first_row + i) * from.stride + (first_depth + k) * from.depth_stride);
      if (factors != nullptr) value *= factors[first_depth + k];
    }
    tile[k][i] = value;
  }
}

extern "C" __global__ __launch_bounds__(kContrastiveThreads, 8) void contrastive_product(
    const __grid_constant__ ContrastiveProduct a) {
  constexpr int kColumnThreads = kContrastiveTile / 2;
  __shared__ Tile left;
  __shared__ Tile right;
  const int row = 4 * (static_cast<int>(threadIdx.x) / kColumnThreads);
  const int column = static_cast<int>(threadIdx.x) % kColumnThreads;
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.x) * kContrastiveTile;
  const std::int64_t first_column = static_cast<std::int64_t>(blockIdx.y) * kContrastiveTile;
  float sums[4][2] = {};
  for (std::int64_t depth = 0; depth < a.depth; depth += kContrastiveTile) {
    fill(left, a.left, a.depth_factors, first_row, a.rows, depth, a.depth);
    fill(right, a.right, nullptr, first_column, a.columns, depth, a.depth);
    __syncthreads();
#pragma unroll 8
    for (int k = 0; k < kContrastiveTile; ++k) {
      for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 2; ++j)
          sums[i][j] = fmaf(left[k][row + i], right[k][column + j * kColumnThreads], sums[i][j]);
      }
    }
    __syncthreads();
  }
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 2; ++j) {
      const std::int64_t r = first_row + row + i;
      const std::int64_t c = first_column + column + j * kColumnThreads;
      if (r < a.rows && c < a.columns) a.to[r * a.columns + c] = sums[i][j];
    }
  }
}

// ---- rows: a warp has one

extern "C" __global__ __launch_bounds__(kContrastiveThreads,
                                        8) void contrastive_rows(const __grid_constant__ ContrastiveRows a) {
  const std::int64_t r = warp_of_grid();
  if (r >= a.rows) return;
  float* const scores = a.scores + r * a.candidates;
  const float factor = a.scale * a.anchor_factors[r];
  for (std::int64_t n = lane_id(); n < a.candidates; n += kWarp) scores[n] *= factor * a.candidate_factors[n];
  __syncwarp();
  const CrossEntropyTerms terms{nullptr, 0.0F, 0.0F};
  const std::int32_t label = a.labels[r];
  const CrossEntropyRow row = cross_entropy_row(scores, a.candidates, label, terms);
  if (lane_id() == 0) {
    a.row_loss[r] = row.loss;
    a.prediction[r] = row.prediction;
  }
  if (a.gradient) {
    cross_entropy_gradient(scores, a.candidates, label, terms, row, a.scale * *a.loss_scale, scores);
  }
}

template <class T>
__device__ void contrastive_gradient(const ContrastiveGradient& a) {
  const std::int64_t row = warp_of_grid();
  if (row >= a.rows) return;
  const std::int64_t at = row * a.columns;
  unit_row_gradient(a.arriving + at, static_cast<const T*>(a.x) + at, a.factors[row], kEps,
                    static_cast<T*>(a.dx) + at, a.columns);
}

ATTUNE_ENTRIES(contrastive_factors, ContrastiveFactors, kContrastiveThreads)
ATTUNE_ENTRIES(contrastive_gradient, ContrastiveGradient, kContrastiveThreads)

}  // namespace
}  // namespace attune::cuda
