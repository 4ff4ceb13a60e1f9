// The sum of each column, or of its squares: of chunks of rows here, of all in partial_sums.cu. See
// kernels/cpu/column_sum.cpp.

#include "kernels/cuda/column_sum.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {
namespace {

constexpr int kWarps = kColumnThreads / kWarp;

template <int N, bool kSquares, class T>
__device__ Floats<N> sum_rows(const ColumnSum& a, std::int64_t column, std::int64_t begin, std::int64_t end) {
  Floats<N> sum{};
  const T* const from = static_cast<const T*>(a.from) + column;
#pragma unroll 4
  for (std::int64_t row = begin; row < end; row += kWarps) {
    const Floats<N> values = load<N>(from + row * a.stride);
#pragma unroll
    for (int i = 0; i < N; ++i) sum.v[i] += kSquares ? values.v[i] * values.v[i] : values.v[i];
  }
  return sum;
}

/// Columns of this block from `first` on, N of them a lane. Warps' sums are added in order.
template <int N, bool kSquares, class T>
__device__ void sum_columns(const ColumnSum& a) {
  __shared__ float parts[kWarps][kWarp * N];
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kWarp * N;
  const std::int64_t chunk = static_cast<std::int64_t>(blockIdx.y) * kColumnChunk;
  const std::int64_t column = first + lane_id() * N;
  if (column < a.columns) {
    const Floats<N> sum =
        sum_rows<N, kSquares, T>(a, column, chunk + warp_id(), min(chunk + kColumnChunk, a.rows));
#pragma unroll
    for (int i = 0; i < N; ++i) parts[warp_id()][lane_id() * N + i] = sum.v[i];
  }
  __syncthreads();
  const int mine = static_cast<int>(threadIdx.x);
  if (mine >= kWarp * N || first + mine >= a.columns) return;
  float sum = 0.0F;
#pragma unroll
  for (const auto& part : parts) sum += part[mine];
  a.partial[blockIdx.y * a.columns + first + mine] = sum;
}

template <class T>
__device__ void column_sum(const ColumnSum& a) {
  if (a.packs) {
    sum_columns<kPack<T>, false, T>(a);
  } else {
    sum_columns<1, false, T>(a);
  }
}

template <class T>
__device__ void column_squares(const ColumnSum& a) {
  if (a.packs) {
    sum_columns<kPack<T>, true, T>(a);
  } else {
    sum_columns<1, true, T>(a);
  }
}

ATTUNE_ENTRIES(column_sum, ColumnSum, kColumnThreads)

extern "C" __global__ __launch_bounds__(kColumnThreads) void column_squares_f32(
    const __grid_constant__ ColumnSum a) {
  column_squares<float>(a);
}

}  // namespace
}  // namespace attune::cuda
