// segment_mean: see kernels/cpu/segment_mean.cpp for the formulas.

#include "kernels/cuda/segment_mean.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/segments.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {
namespace {

/// N columns of a segment: each warp sums every kMeanWarps-th row, the first adds the sums in order.
template <int N, class T>
__device__ void mean_of_columns(const SegmentMean& a, std::int64_t segment, std::int64_t column) {
  __shared__ Floats<N> sums[kMeanWarps][kWarp];
  const std::int64_t begin = a.starts[segment];
  const std::int64_t end = a.starts[segment + 1];
  const bool inside = column < a.columns;
  Floats<N> sum{};
  if (inside) {
    const T* const x = static_cast<const T*>(a.x) + column;
    for (std::int64_t row = begin + warp_id(); row < end; row += kMeanWarps) {
      const Floats<N> values = load<N>(x + row * a.columns);
      for (int i = 0; i < N; ++i) sum.v[i] += values.v[i];
    }
  }
  sums[warp_id()][lane_id()] = sum;
  __syncthreads();
  if (warp_id() > 0 || !inside) return;
  for (int warp = 1; warp < kMeanWarps; ++warp) {
    for (int i = 0; i < N; ++i) sum.v[i] += sums[warp][lane_id()].v[i];
  }
  const float share = 1.0F / static_cast<float>(max(std::int64_t{1}, end - begin));
  for (int i = 0; i < N; ++i) sum.v[i] *= share;
  store<N>(static_cast<T*>(a.y) + segment * a.columns + column, sum);
}

template <class T>
__device__ void segment_mean(const SegmentMean& a) {
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.y) * kWarp + lane_id();
  if (a.columns % kPack<T> == 0) {
    mean_of_columns<kPack<T>, T>(a, blockIdx.x, column * kPack<T>);
  } else {
    mean_of_columns<1, T>(a, blockIdx.x, column);
  }
}

/// A warp has a row.
template <class T>
__device__ void segment_mean_backward(const SegmentMeanBackward& a) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kMeanWarps + warp_id();
  if (row >= a.rows) return;
  const int segment = segment_of_row(a.starts, a.segments, row);
  const float share = 1.0F / static_cast<float>(a.starts[segment + 1] - a.starts[segment]);
  const T* const dy = static_cast<const T*>(a.dy) + segment * a.columns;
  T* const dx = static_cast<T*>(a.dx) + row * a.columns;
  for_row<T>(a.columns, lane_id(), kWarp, [&]<int N>(std::int64_t c, Count<N>) {
    Floats<N> values = load<N>(dy + c);
    for (int i = 0; i < N; ++i) values.v[i] *= share;
    store<N>(dx + c, values);
  });
}

ATTUNE_ENTRIES(segment_mean, SegmentMean, kMeanThreads)
ATTUNE_ENTRIES(segment_mean_backward, SegmentMeanBackward, kMeanThreads)

}  // namespace
}  // namespace attune::cuda
