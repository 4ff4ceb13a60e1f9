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

/// What one access of so many bytes moves.
template <int Bytes>
struct AccessOf;
template <>
struct AccessOf<2> {
  using Type = std::uint16_t;
};
template <>
struct AccessOf<4> {
  using Type = std::uint32_t;
};
template <>
struct AccessOf<8> {
  using Type = uint2;
};
template <>
struct AccessOf<16> {
  using Type = uint4;
};

/// N elements in accesses of at most 16 bytes, aligned to what an access moves.
template <int N, class T>
inline constexpr int kAccessBytes = static_cast<int>(N * sizeof(T) < 16 ? N * sizeof(T) : 16);

template <int N, class T>
__device__ inline Floats<N> load(const T* from) {
  using Access = typename AccessOf<kAccessBytes<N, T>>::Type;
  constexpr int kOfAccess = sizeof(Access) / sizeof(T);
  Floats<N> out;
#pragma unroll
  for (int i = 0; i < N; i += kOfAccess) {
    const Access bits = *reinterpret_cast<const Access*>(from + i);
    const T* const values = reinterpret_cast<const T*>(&bits);
#pragma unroll
    for (int j = 0; j < kOfAccess; ++j) out.v[i + j] = to_float(values[j]);
  }
  return out;
}

template <int N, class T>
__device__ inline void store(T* to, const Floats<N>& values) {
  using Access = typename AccessOf<kAccessBytes<N, T>>::Type;
  constexpr int kOfAccess = sizeof(Access) / sizeof(T);
#pragma unroll
  for (int i = 0; i < N; i += kOfAccess) {
    alignas(Access) T rounded[kOfAccess];
#pragma unroll
    for (int j = 0; j < kOfAccess; ++j) rounded[j] = from_float<T>(values.v[i + j]);
    *reinterpret_cast<Access*>(to + i) = *reinterpret_cast<const Access*>(rounded);
  }
}

/// N floats of a tensor of either dtype; `at` is a multiple of N.
template <int N>
__device__ inline Floats<N> load(const FloatTensor& from, std::int64_t at) {
  return from.bf16 ? load<N>(static_cast<const bf16*>(from.data) + at)
                   : load<N>(static_cast<const float*>(from.data) + at);
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

/// f(column, Count<N>) for the columns of a row that fall to a thread, a pack a thread. `whole`: every row
/// begins on 16 bytes, so that a pack is one access.
template <class T, class F>
__device__ inline void for_pack_of_row(std::int64_t columns, std::int64_t thread, bool whole, const F& f) {
  const std::int64_t first = thread * kPack<T>;
  if (whole && first + kPack<T> <= columns) {
    f(first, Count<kPack<T>>{});
  } else {
    const std::int64_t end = min(first + kPack<T>, columns);
    for (std::int64_t c = first; c < end; ++c) f(c, Count<1>{});
  }
}

}  // namespace attune::cuda

/// Kernels name##_f32 and name##_bf16 of the template `name<T>(arguments)`, for blocks of so many threads. A
/// second number is how many blocks a multiprocessor should have at least: the compiler spills a few
/// registers here and there for more of them than it needs, and with it does not.
#define ATTUNE_ENTRIES(name, Arguments, ...)                             \
  extern "C" __global__ __launch_bounds__(__VA_ARGS__) void name##_f32(  \
      const __grid_constant__ Arguments a) {                             \
    name<float>(a);                                                      \
  }                                                                      \
  extern "C" __global__ __launch_bounds__(__VA_ARGS__) void name##_bf16( \
      const __grid_constant__ Arguments a) {                             \
    name<bf16>(a);                                                       \
  }
