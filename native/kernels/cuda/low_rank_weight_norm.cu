// norm[n] = |row n of W + scale B A|, of sums in scratch. See kernels/cpu/low_rank_weight_norm.cpp.

#include "kernels/cuda/low_rank_weight_norm.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {
namespace {

/// A block has a row.
extern "C" __global__ __launch_bounds__(kRowNormThreads) void row_norms(const __grid_constant__ RowNorms a) {
  constexpr int kWarps = kRowNormThreads / kWarp;
  __shared__ float parts[kWarps];
  const float* const row = a.rows + blockIdx.x * a.columns;
  float sum = 0.0F;
  for_row<float>(a.columns, static_cast<int>(threadIdx.x), kRowNormThreads,
                 [&]<int N>(std::int64_t c, Count<N>) {
                   const Floats<N> values = load<N>(row + c);
#pragma unroll
                   for (const float v : values.v) sum += v * v;
                 });
  sum = warp_sum(sum);
  if (lane_id() == 0) parts[warp_id()] = sum;
  __syncthreads();
  if (threadIdx.x != 0) return;
  float total = 0.0F;
#pragma unroll
  for (const float part : parts) total += part;
  a.norm[blockIdx.x] = sqrtf(total);
}

/// A thread has a column.
extern "C" __global__ __launch_bounds__(kColumnNormThreads) void column_norms(
    const __grid_constant__ ColumnNorms a) {
  const std::int64_t n = static_cast<std::int64_t>(blockIdx.x) * kColumnNormThreads + threadIdx.x;
  if (n >= a.count) return;
  float sum = 0.0F;
  for (std::int64_t chunk = 0; chunk < a.chunks; ++chunk) sum += a.squares[chunk * a.count + n];
  a.norm[n] = sqrtf(sum);
}

}  // namespace
}  // namespace attune::cuda
