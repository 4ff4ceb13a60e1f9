// multiply_add_peak: products of bf16 on tensor cores, their operands in registers: the most that kernels
// made of mma.sync can do.

#include "kernels/cuda/multiply_add_peak.h"

#include "kernels/cuda/tensor_core.cuh"

namespace attune::cuda {

extern "C" __global__ __launch_bounds__(kPeakThreads) void multiply_add_peak(
    const __grid_constant__ MultiplyAddPeak a) {
  float sums[kPeakProducts][4] = {};
  const std::uint32_t left[4] = {threadIdx.x, threadIdx.x + 1, threadIdx.x + 2, threadIdx.x + 3};
  for (std::int64_t iteration = 0; iteration < a.iterations; ++iteration) {
#pragma unroll
    for (int i = 0; i < kPeakProducts; ++i) multiply_add_bf16(sums[i], left, threadIdx.x, threadIdx.x + 1);
  }
  if (a.never == nullptr) return;
  for (const auto& sum : sums) a.never[threadIdx.x] += sum[0] + sum[1] + sum[2] + sum[3];
}

}  // namespace attune::cuda
