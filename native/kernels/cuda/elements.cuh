#pragma once

// Elements of tensors as floats, one at a time or 16 bytes at once.

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/cuda/tensor.h"

namespace attune::cuda {

using bf16 = __nv_bfloat16;

__device__ inline float to_float(float value) { return value; }
__device__ inline float to_float(bf16 value) { return __bfloat162float(value); }

template <class T>
__device__ inline T from_float(float value) {
  if constexpr (sizeof(T) == 4) {
    return value;
  } else {
    return __float2bfloat16_rn(value);
  }
}

__device__ inline float element(const FloatTensor& tensor, std::int64_t i) {
  return tensor.bf16 ? to_float(static_cast<const bf16*>(tensor.data)[i])
                     : static_cast<const float*>(tensor.data)[i];
}

/// Elements in 16 bytes.
template <class T>
inline constexpr int kPack = 16 / sizeof(T);

template <int N>
struct Floats {
  float v[N];
};

/// N elements: kPack<T> of them, 16-byte aligned, with one access; else one by one.
template <int N, class T>
__device__ inline Floats<N> load(const T* from) {
  Floats<N> out;
  if constexpr (N == kPack<T>) {
    const uint4 bits = *reinterpret_cast<const uint4*>(from);
    const T* const values = reinterpret_cast<const T*>(&bits);
#pragma unroll
    for (int i = 0; i < N; ++i) out.v[i] = to_float(values[i]);
  } else {
#pragma unroll
    for (int i = 0; i < N; ++i) out.v[i] = to_float(from[i]);
  }
  return out;
}

template <int N, class T>
__device__ inline void store(T* to, const Floats<N>& values) {
  if constexpr (N == kPack<T>) {
    alignas(16) T rounded[N];
#pragma unroll
    for (int i = 0; i < N; ++i) rounded[i] = from_float<T>(values.v[i]);
    *reinterpret_cast<uint4*>(to) = *reinterpret_cast<const uint4*>(rounded);
  } else {
#pragma unroll
    for (int i = 0; i < N; ++i) to[i] = from_float<T>(values.v[i]);
  }
}

/// N floats of a tensor of either dtype.
template <int N>
__device__ inline Floats<N> load(const FloatTensor& from, std::int64_t at) {
  Floats<N> out;
#pragma unroll
  for (int i = 0; i < N; ++i) out.v[i] = element(from, at + i);
  return out;
}

template <int N>
struct Count {
  static constexpr int value = N;
};

/// f(column, Count<N>) for the columns of a row that fall to `lane` of `lanes`: whole packs where every row
/// begins on 16 bytes, else one by one.
template <class T, class F>
__device__ inline void for_row(std::int64_t columns, int lane, int lanes, const F& f) {
  if (columns % kPack<T> == 0) {
    for (std::int64_t c = lane * kPack<T>; c < columns; c += lanes * kPack<T>) f(c, Count<kPack<T>>{});
  } else {
    for (std::int64_t c = lane; c < columns; c += lanes) f(c, Count<1>{});
  }
}

/// f(index, Count<N>) for the elements that fall to this thread, a pack a thread: see `pack_grid` of
/// kernels.h.
template <class T, class F>
__device__ inline void for_pack(std::int64_t count, const F& f) {
  const std::int64_t first = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * kPack<T>;
  if (first + kPack<T> <= count) {
    f(first, Count<kPack<T>>{});
  } else {
    for (std::int64_t i = first; i < count; ++i) f(i, Count<1>{});
  }
}

}  // namespace attune::cuda

/// Kernels name##_f32 and name##_bf16 of the template `name<T>(arguments)`, for blocks of `threads`.
#define ATTUNE_ENTRIES(name, Arguments, threads)                                                           \
  extern "C" __global__ __launch_bounds__(threads) void name##_f32(const __grid_constant__ Arguments a) {  \
    name<float>(a);                                                                                        \
  }                                                                                                        \
  extern "C" __global__ __launch_bounds__(threads) void name##_bf16(const __grid_constant__ Arguments a) { \
    name<bf16>(a);                                                                                         \
  }
