// stream_read: sums of floats, the fastest that memory is read. No tensors. See kernels/cpu/stream_read.cpp.

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/stream_read.h"

namespace attune::cuda {

extern "C" __global__ __launch_bounds__(kStreamThreads) void stream_read(const __grid_constant__ StreamRead a) {
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kStreamThreads * kStreamPacks + threadIdx.x;
  float sums[kStreamPacks] = {};
#pragma unroll
  for (int pack = 0; pack < kStreamPacks; ++pack) {
    const std::int64_t at = first + pack * kStreamThreads;
    if (at >= a.packs) continue;
    const Floats<4> values = load<4>(a.data + 4 * at);
    sums[pack] = (values.v[0] + values.v[1]) + (values.v[2] + values.v[3]);
  }
  const float total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  // The data are zeros, which the compiler does not know.
  if (total < 0.0F) *a.kept = total;
}

}  // namespace attune::cuda
