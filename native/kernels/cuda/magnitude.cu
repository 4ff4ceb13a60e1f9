// magnitude: y = x m / norm + bias + addend; magnitude_gradient: dm = sum over t of dy x / norm. Where norm
// is 0, x counts as 0. A thread has a pack of columns of some rows.

#include "kernels/cuda/magnitude.h"

#include "kernels/cuda/elements.cuh"

namespace attune::cuda {
namespace {

/// f(c, Count<N>) for the columns of this thread.
template <class T, class F>
__device__ inline void for_columns(std::int64_t columns, const F& f) {
  for_pack_of_row<T>(columns, static_cast<std::int64_t>(blockIdx.x) * kPackThreads + threadIdx.x,
                     columns % kPack<T> == 0, f);
}

__device__ inline float divide_or_zero(float a, float norm) { return norm > 0.0F ? a / norm : 0.0F; }

template <class T>
__device__ void magnitude(const Magnitude& a) {
  const std::int64_t begin = static_cast<std::int64_t>(blockIdx.y) * kMagnitudeRows;
  const std::int64_t end = min(begin + kMagnitudeRows, a.rows);
  for_columns<T>(a.columns, [&]<int N>(std::int64_t c, Count<N>) {
    Floats<N> factor = load<N>(a.m, c);
    const Floats<N> norm = load<N>(a.norm + c);
    Floats<N> bias{};
    if (a.bias.data != nullptr) bias = load<N>(a.bias, c);
#pragma unroll
    for (int j = 0; j < N; ++j) factor.v[j] = divide_or_zero(factor.v[j], norm.v[j]);
    for (std::int64_t at = begin * a.columns + c; at < end * a.columns; at += a.columns) {
      Floats<N> values = load<N>(static_cast<const T*>(a.x) + at);
      Floats<N> more{};
      if (a.addend != nullptr) more = load<N>(static_cast<const T*>(a.addend) + at);
#pragma unroll
      for (int j = 0; j < N; ++j) values.v[j] = values.v[j] * factor.v[j] + bias.v[j] + more.v[j];
      store<N>(static_cast<T*>(a.y) + at, values);
    }
  });
}

template <class T>
__device__ void magnitude_gradient(const MagnitudeGradient& a) {
  const std::int64_t begin = static_cast<std::int64_t>(blockIdx.y) * kMagnitudeChunk;
  const std::int64_t end = min(begin + kMagnitudeChunk, a.rows);
  for_columns<T>(a.columns, [&]<int N>(std::int64_t c, Count<N>) {
    Floats<N> sum{};
#pragma unroll 2
    for (std::int64_t at = begin * a.columns + c; at < end * a.columns; at += a.columns) {
      const Floats<N> d = load<N>(static_cast<const T*>(a.dy) + at);
      const Floats<N> x = load<N>(static_cast<const T*>(a.x) + at);
#pragma unroll
      for (int j = 0; j < N; ++j) sum.v[j] += d.v[j] * x.v[j];
    }
    const Floats<N> norm = load<N>(a.norm + c);
#pragma unroll
    for (int j = 0; j < N; ++j) sum.v[j] = divide_or_zero(sum.v[j], norm.v[j]);
    store<N>(a.partial + blockIdx.y * a.columns + c, sum);
  });
}

ATTUNE_ENTRIES(magnitude, Magnitude, kPackThreads)
ATTUNE_ENTRIES(magnitude_gradient, MagnitudeGradient, kPackThreads)

}  // namespace
}  // namespace attune::cuda
