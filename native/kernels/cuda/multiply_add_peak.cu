// multiply_add_peak: x = x * a + b in registers alone, the most that the cores outside the tensor cores do in
// float32. No tensors. See kernels/cpu/multiply_add_peak.cpp.

#include "kernels/cuda/multiply_add_peak.h"

namespace attune::cuda {

extern "C" __global__ __launch_bounds__(kPeakThreads) void multiply_add_peak(
    const __grid_constant__ MultiplyAddPeak a) {
  float sums[kPeakSums];
#pragma unroll
  for (int i = 0; i < kPeakSums; ++i) sums[i] = static_cast<float>(threadIdx.x + i);
  for (std::int64_t iteration = 0; iteration < a.iterations; ++iteration) {
#pragma unroll
    for (float& sum : sums) sum = fmaf(sum, 0.999F, 0.001F);
  }
  float total = 0.0F;
#pragma unroll
  for (const float sum : sums) total += sum;
  // They tend to 1 from above and are never negative, which the compiler does not know.
  if (total < 0.0F) *a.kept = total;
}

}  // namespace attune::cuda
