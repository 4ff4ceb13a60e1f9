// adamw: one pass over gradient, weight and both moments; squared_sum: the norm that clipping needs. Formulas
// in kernels/adamw.h. All tensors are flat (n). 28 bytes an element, 30 with the working copy: memory's
// speed.

#include "kernels/cuda/adamw.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {
namespace {

extern "C" __global__ __launch_bounds__(kPackThreads) void adamw(const __grid_constant__ AdamW a) {
  for_pack<float>(a.count, [&]<int N>(std::int64_t i, Count<N>) {
    const Floats<N> gradient = load<N>(a.gradient + i);
    Floats<N> weight = load<N>(a.weight + i);
    Floats<N> exp_avg = load<N>(a.exp_avg + i);
    Floats<N> exp_avg_sq = load<N>(a.exp_avg_sq + i);
#pragma unroll
    for (int j = 0; j < N; ++j) {
      const float g = gradient.v[j] * a.gradient_scale;
      const float m = a.beta1 * exp_avg.v[j] + a.one_minus_beta1 * g;
      const float v = a.beta2 * exp_avg_sq.v[j] + a.one_minus_beta2 * g * g;
      exp_avg.v[j] = m;
      exp_avg_sq.v[j] = v;
      // -0 less a step of -0 is +0: with a rate of 0 not even that may change.
      if (a.moves) weight.v[j] = weight.v[j] * a.decay - a.step * m / (sqrtf(v) * a.root + a.eps);
    }
    store<N>(a.exp_avg + i, exp_avg);
    store<N>(a.exp_avg_sq + i, exp_avg_sq);
    store<N>(a.weight + i, weight);
    if (a.working != nullptr) store<N>(static_cast<bf16*>(a.working) + i, weight);
  });
}

/// A block has a chunk. In double: a float's square may be no float.
extern "C" __global__ __launch_bounds__(kSquaredSumThreads) void squared_sum_chunks(
    const __grid_constant__ SquaredSum a) {
  const std::int64_t begin = static_cast<std::int64_t>(blockIdx.x) * kSquaredSumChunk;
  const std::int64_t end = min(begin + kSquaredSumChunk, a.count);
  double sum = 0.0;
#pragma unroll 4
  for (std::int64_t i = begin + threadIdx.x * kPack<float>; i < end; i += kSquaredSumThreads * kPack<float>) {
    if (i + kPack<float> <= end) {
      const Floats<kPack<float>> values = load<kPack<float>>(a.x + i);
#pragma unroll
      for (const float v : values.v) sum += static_cast<double>(v) * static_cast<double>(v);
    } else {
      for (std::int64_t last = i; last < end; ++last)
        sum += static_cast<double>(a.x[last]) * static_cast<double>(a.x[last]);
    }
  }
  sum = block_sum<kSquaredSumThreads>(sum);
  if (threadIdx.x == 0) a.partial[blockIdx.x] = sum;
}

/// One block.
extern "C" __global__ __launch_bounds__(kSquaredSumThreads) void squared_sum_result(
    const __grid_constant__ SquaredSum a) {
  double sum = 0.0;
#pragma unroll 4
  for (std::int64_t i = threadIdx.x; i < a.chunks; i += kSquaredSumThreads) sum += a.partial[i];
  sum = block_sum<kSquaredSumThreads>(sum);
  if (threadIdx.x == 0) *a.result = sum;
}

}  // namespace
}  // namespace attune::cuda
