// The second stage of sums over rows: what blocks wrote, added in order, so that the same bits come out every
// time.

#include "kernels/cuda/partial_sums.h"

namespace attune::cuda {

extern "C" __global__ __launch_bounds__(kPartialThreads) void partial_sums(
    const __grid_constant__ PartialSums a) {
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.x) * kPartialThreads + threadIdx.x;
  if (c >= a.columns) return;
  float sum = a.accumulate ? a.to[c] : 0.0F;
  for (std::int64_t row = 0; row < a.rows; ++row) sum += a.partial[row * a.columns + c];
  a.to[c] = sum;
}

}  // namespace attune::cuda
