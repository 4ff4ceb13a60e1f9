#pragma once

// Rows of heads between global memory, shared memory and accumulators.

#include "kernels/cuda/attention.h"
#include "kernels/cuda/attention_fragments.cuh"

namespace attune::cuda {

/// Rows of one head; `count` of them are there.
template <class T>
struct Rows {
  T* data;
  std::int64_t stride;
  int count;
  [[nodiscard]] __device__ Rows from(int row) const { return {data + row * stride, stride, count - row}; }
};

/// Rows [first, ...) of a head; `T` may be const.
template <class T, class Data>
__device__ inline Rows<T> rows_of(const HeadRows<Data>& of, std::int64_t head, std::int64_t first,
                                  std::int64_t count) {
  return {static_cast<T*>(of.data) + first * of.stride + head * of.step, of.stride, static_cast<int>(count)};
}

/// Columns past the head are zeros, which no tile that arrives changes: called once, before a barrier.
template <class T, int D, int Threads>
__device__ inline void clear_padding(T* shared, int rows, int head_dim) {
  if (head_dim == D) return;
  const uint4 zeros{};
#pragma unroll 1
  for (int i = static_cast<int>(threadIdx.x); i < rows * kPitch<T, D> / kPack<T>; i += Threads) {
    reinterpret_cast<uint4*>(shared)[i] = zeros;
  }
  __syncthreads();
}

/// Begins to copy a tile of `rows` rows; those that are not there become zeros.
template <class T, int D, int Threads>
__device__ inline void load_tile(T* to, const Rows<const T>& from, int rows, int head_dim) {
  if (head_dim % kPack<T> == 0) {
    constexpr int kPacks = D / kPack<T>;
    constexpr int kRowsOfStep = Threads / kPacks;
    static_assert(Threads % kPacks == 0);
    const int column = static_cast<int>(threadIdx.x) % kPacks * kPack<T>;
    if (column >= head_dim) return;
    const int first = static_cast<int>(threadIdx.x) / kPacks;
    const T* source = from.data + first * from.stride + column;
#pragma unroll
    for (int row = first; row < rows; row += kRowsOfStep) {
      const bool there = row < from.count;
      copy_async(to + row * kPitch<T, D> + column, there ? source : from.data, there ? 16 : 0);
      source += kRowsOfStep * from.stride;
    }
  } else {
#pragma unroll 1
    for (int i = static_cast<int>(threadIdx.x); i < rows * D; i += Threads) {
      const int row = i / D;
      const int column = i % D;
      if (column >= head_dim) continue;
      to[row * kPitch<T, D> + column] =
          row < from.count ? from.data[row * from.stride + column] : from_float<T>(0.0F);
    }
  }
}

/// A warp's 16 rows from accumulators, rows lane / 4 and lane / 4 + 8 times `factor`, by way of its 16 rows
/// of shared memory, so that whole 16 bytes are written.
template <class T, int D>
__device__ inline void store_rows(const Rows<T>& to, const float (&c)[D / 8][4], const float (&factor)[2],
                                  T* shared, int head_dim) {
  T* const own = shared + lane_id() / 4 * kPitch<T, D> + lane_id() % 4 * 2;
  __syncwarp();
#pragma unroll
  for (int n = 0; n < D / 8; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i)
      own[i / 2 * 8 * kPitch<T, D> + n * 8 + i % 2] = from_float<T>(c[n][i] * factor[i / 2]);
  }
  __syncwarp();
  const int rows = min(16, to.count);
  if (head_dim % kPack<T> == 0) {
    const int packs = D / kPack<T>;
#pragma unroll 4
    for (int i = lane_id(); i < rows * packs; i += kWarp) {
      const int row = i / packs;
      const int column = i % packs * kPack<T>;
      if (column >= head_dim) continue;
      *reinterpret_cast<uint4*>(to.data + row * to.stride + column) =
          *reinterpret_cast<const uint4*>(shared + row * kPitch<T, D> + column);
    }
  } else {
#pragma unroll 1
    for (int i = lane_id(); i < rows * D; i += kWarp) {
      const int row = i / D;
      const int column = i % D;
      if (column < head_dim) to.data[row * to.stride + column] = shared[row * kPitch<T, D> + column];
    }
  }
}

}  // namespace attune::cuda
