#pragma once

// Sums and maxima over the lanes of a warp and the threads of a block, always in the same order.

#include <cstdint>

namespace attune::cuda {

inline constexpr int kWarp = 32;

__device__ inline int lane_id() { return static_cast<int>(threadIdx.x) % kWarp; }
__device__ inline int warp_id() { return static_cast<int>(threadIdx.x) / kWarp; }

/// Which warp of a one-dimensional grid.
__device__ inline std::int64_t warp_of_grid() {
  return static_cast<std::int64_t>(blockIdx.x) * (blockDim.x / kWarp) + warp_id();
}

/// Of floats or doubles. Every lane gets it.
template <class V>
__device__ inline V warp_sum(V value) {
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) value += __shfl_xor_sync(0xffffffffU, value, offset);
  return value;
}

__device__ inline float warp_max(float value) {
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2)
    value = fmaxf(value, __shfl_xor_sync(0xffffffffU, value, offset));
  return value;
}

/// Over the threads of a block, which all call it. Every thread gets it.
template <int Threads, class V>
__device__ inline V block_sum(V value) {
  __shared__ V parts[Threads / kWarp];
  value = warp_sum(value);
  __syncthreads();  // an earlier sum's parts may still be read
  if (lane_id() == 0) parts[warp_id()] = value;
  __syncthreads();
  V sum = parts[0];
#pragma unroll
  for (int warp = 1; warp < Threads / kWarp; ++warp) sum += parts[warp];
  return sum;
}

template <int Threads>
__device__ inline float block_max(float value) {
  __shared__ float parts[Threads / kWarp];
  value = warp_max(value);
  __syncthreads();
  if (lane_id() == 0) parts[warp_id()] = value;
  __syncthreads();
  float most = parts[0];
#pragma unroll
  for (int warp = 1; warp < Threads / kWarp; ++warp) most = fmaxf(most, parts[warp]);
  return most;
}

}  // namespace attune::cuda
