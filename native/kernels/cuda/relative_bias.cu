// relative_bias: values[head][distance] = table[bucket of distance][head].

#include "kernels/cuda/relative_bias.h"

#include "kernels/cuda/elements.cuh"

namespace attune::cuda {

extern "C" __global__ __launch_bounds__(kBiasThreads) void relative_bias(
    const __grid_constant__ RelativeBias a) {
  const int at = static_cast<int>(blockIdx.x) * kBiasThreads + static_cast<int>(threadIdx.x);
  const auto head = static_cast<std::int64_t>(blockIdx.y);
  if (at >= a.distances) return;
  a.values[head * a.distances + at] =
      element(a.table, static_cast<std::int64_t>(a.buckets[at]) * a.heads + head);
}

}  // namespace attune::cuda
