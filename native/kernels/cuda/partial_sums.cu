// The second stage of sums over rows: what blocks wrote, added in an order that the number of rows alone
// fixes, so that the same bits come out every time.

#include "kernels/cuda/partial_sums.h"

#include "kernels/cuda/warp.cuh"

namespace attune::cuda {

extern "C" __global__ __launch_bounds__(kPartialThreads) void partial_sums(
    const __grid_constant__ PartialSums a) {
  __shared__ float strips[kPartialStrips][kPartialColumns];
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.x) * kPartialColumns + lane_id();
  float sum = 0.0F;
  if (c < a.columns) {
#pragma unroll 4
    for (std::int64_t row = warp_id(); row < a.rows; row += kPartialStrips)
      sum += a.partial[row * a.columns + c];
  }
  strips[warp_id()][lane_id()] = sum;
  __syncthreads();
  if (warp_id() != 0 || c >= a.columns) return;
  for (int strip = 1; strip < kPartialStrips; ++strip) sum += strips[strip][lane_id()];
  a.to[c] = a.accumulate ? a.to[c] + sum : sum;
}

}  // namespace attune::cuda
