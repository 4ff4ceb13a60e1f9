#pragma once

// Four neighbours of a row of either dtype, for kernels that have floats on one side and activations on the
// other.

#include "kernels/cuda/elements.cuh"

namespace attune::cuda {

/// N neighbours: four, aligned to their size, with one access, or one.
template <int N, class T>
__device__ inline Floats<N> load_neighbours(const T* from) {
  Floats<N> out;
  if constexpr (N == 1) {
    out.v[0] = to_float(*from);
  } else if constexpr (sizeof(T) == 4) {
    out = load<4>(from);
  } else {
    const uint2 bits = *reinterpret_cast<const uint2*>(from);
    const bf16* const values = reinterpret_cast<const bf16*>(&bits);
#pragma unroll
    for (int i = 0; i < N; ++i) out.v[i] = to_float(values[i]);
  }
  return out;
}

template <int N, class T>
__device__ inline void store_neighbours(T* to, const Floats<N>& values) {
  if constexpr (N == 1) {
    *to = from_float<T>(values.v[0]);
  } else if constexpr (sizeof(T) == 4) {
    store<4>(to, values);
  } else {
    alignas(8) bf16 rounded[N];
#pragma unroll
    for (int i = 0; i < N; ++i) rounded[i] = from_float<bf16>(values.v[i]);
    *reinterpret_cast<uint2*>(to) = *reinterpret_cast<const uint2*>(rounded);
  }
}

}  // namespace attune::cuda
