#pragma once

// The matrix products of attention: 16 rows of a warp, on tensor cores. Accumulators are arrays of float[4],
// one for 8 columns, of which a lane has what tensor_core.cuh says: rows lane / 4 and lane / 4 + 8, columns 2
// (lane % 4) and the next.

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/tensor_core.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {

/// Depth of one step of a product over the head.
inline constexpr int kDepth = 16;

/// Elements between rows of tiles in shared memory: see row_bytes of attention.h.
template <class T, int D>
inline constexpr int kPitch = D + kPack<T>;

/// Fragments<T>::kColumns: columns of one step, and depth of a product whose left factor comes from
/// accumulators.
template <class T>
struct Fragments;

template <>
struct Fragments<bf16> {
  static constexpr int kColumns = 16;
  struct Left {
    std::uint32_t part[4];
  };
  using Weights = Left;

  /// (16 rows, kDepth) of a tile at `at`.
  static __device__ Left load_left(const bf16* at, int pitch) {
    Left left;
    load_matrices(left.part, at + lane_id() % 16 * pitch + lane_id() / 16 * 8);
    return left;
  }
  /// (16, kColumns) of accumulators as left factor.
  static __device__ Weights weights(const float (*c)[4]) {
    return {{pack_bf16(c[0][0], c[0][1]), pack_bf16(c[0][2], c[0][3]), pack_bf16(c[1][0], c[1][1]),
             pack_bf16(c[1][2], c[1][3])}};
  }
  /// c (16, kColumns) += left times the transposed (kColumns, kDepth) of a tile at `at`.
  static __device__ void multiply_by_rows(float (*c)[4], const Left& left, const bf16* at, int pitch) {
    std::uint32_t right[4];
    load_matrices(right, at + (lane_id() % 8 + lane_id() / 16 * 8) * pitch + lane_id() / 8 % 2 * 8);
    multiply_add_bf16(c[0], left.part, right[0], right[1]);
    multiply_add_bf16(c[1], left.part, right[2], right[3]);
  }
  /// c (16, kColumns) += weights times (kColumns, kColumns) of a tile at `at`.
  static __device__ void multiply(float (*c)[4], const Weights& weights, const bf16* at, int pitch) {
    std::uint32_t right[4];
    load_matrices_transposed(right, at + lane_id() % 16 * pitch + lane_id() / 16 * 8);
    multiply_add_bf16(c[0], weights.part, right[0], right[1]);
    multiply_add_bf16(c[1], weights.part, right[2], right[3]);
  }
};

/// float32 as three products of TensorFloat-32.
template <>
struct Fragments<float> {
  static constexpr int kColumns = 8;
  struct Weights {
    SplitFloat part[4];
  };
  struct Left {
    Weights half[2];
  };

  static __device__ Left load_left(const float* at, int pitch) {
    Left left;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      std::uint32_t bits[4];
      load_matrices(bits, at + lane_id() % 16 * pitch + half * 8 + lane_id() / 16 * 4);
#pragma unroll
      for (int i = 0; i < 4; ++i) left.half[half].part[i] = split_tf32(__uint_as_float(bits[i]));
    }
    return left;
  }
  /// Depth l % 4 is column 2 (l % 4) of the accumulators and depth l % 4 + 4 the next, so that no lane needs
  /// another's; `multiply` takes rows in the same order.
  static __device__ Weights weights(const float (*c)[4]) {
    return {{split_tf32(c[0][0]), split_tf32(c[0][2]), split_tf32(c[0][1]), split_tf32(c[0][3])}};
  }
  static __device__ void multiply_by_rows(float (*c)[4], const Left& left, const float* at, int pitch) {
    std::uint32_t right[4];
    load_matrices(right, at + lane_id() % 8 * pitch + lane_id() / 8 * 4);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      multiply_add(c[0], left.half[half], __uint_as_float(right[2 * half]),
                   __uint_as_float(right[2 * half + 1]));
    }
  }
  static __device__ void multiply(float (*c)[4], const Weights& weights, const float* at, int pitch) {
    const float* const right = at + lane_id() % 4 * 2 * pitch + lane_id() / 4;
    multiply_add(c[0], weights, right[0], right[pitch]);
  }

 private:
  static __device__ void multiply_add(float (&c)[4], const Weights& left, float b0, float b1) {
    const SplitFloat right0 = split_tf32(b0);
    const SplitFloat right1 = split_tf32(b1);
    const std::uint32_t high[4]{left.part[0].high, left.part[1].high, left.part[2].high, left.part[3].high};
    const std::uint32_t low[4]{left.part[0].low, left.part[1].low, left.part[2].low, left.part[3].low};
    multiply_add_tf32(c, low, right0.high, right1.high);
    multiply_add_tf32(c, high, right0.low, right1.low);
    multiply_add_tf32(c, high, right0.high, right1.high);
  }
};

/// c (16, N * 8) += left (16, D) times the transposed (N * 8, D) of a tile; left(depth) gives a step's left
/// factor.
template <class T, int D, int N, class LeftAt>
__device__ inline void multiply_by_rows(float (&c)[N][4], const LeftAt& left, const T* tile) {
  using F = Fragments<T>;
#pragma unroll
  for (int depth = 0; depth < D; depth += kDepth) {
    const typename F::Left factor = left(depth);
#pragma unroll
    for (int n = 0; n < N * 8; n += F::kColumns) {
      F::multiply_by_rows(&c[n / 8], factor, tile + n * kPitch<T, D> + depth, kPitch<T, D>);
    }
  }
}

/// c (16, D) += w (16, N * 8) times a tile (N * 8, D).
template <class T, int D, int N>
__device__ inline void multiply(float (&c)[D / 8][4], const float (&w)[N][4], const T* tile) {
  using F = Fragments<T>;
#pragma unroll
  for (int k = 0; k < N * 8; k += F::kColumns) {
    const typename F::Weights factor = F::weights(&w[k / 8]);
#pragma unroll
    for (int n = 0; n < D; n += F::kColumns) {
      F::multiply(&c[n / 8], factor, tile + k * kPitch<T, D> + n, kPitch<T, D>);
    }
  }
}

}  // namespace attune::cuda
