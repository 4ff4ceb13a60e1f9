// loss = loss_scale * sum of the row losses: one block, each thread with every so many-th row, in double.

#include "kernels/cuda/loss_sum.h"

#include "kernels/cuda/warp.cuh"

namespace attune::cuda {

extern "C" __global__ __launch_bounds__(kLossSumThreads) void loss_sum(const __grid_constant__ LossSum a) {
  double sum = 0.0;
#pragma unroll 4
  for (std::int64_t row = threadIdx.x; row < a.rows; row += kLossSumThreads)
    sum += static_cast<double>(a.row_loss[row]);
  sum = block_sum<kLossSumThreads>(sum);
  if (threadIdx.x == 0) *a.loss = static_cast<float>(static_cast<double>(*a.scale) * sum);
}

}  // namespace attune::cuda
