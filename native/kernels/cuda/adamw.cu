// adamw: one pass over gradient, weight and both moments; squared_sum: the norm that clipping needs. Formulas
// in kernels/adamw.h. A launch has all tensors of a list, each flat (n): a block finds its own by halving. 28
// bytes an element, 30 with the working copy: memory's speed.

#include "kernels/cuda/adamw.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/segments.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {
namespace {

/// A pointer that came from memory could be of any space; of global memory it is accessed faster.
template <class T>
__device__ T* in_global_memory(T* pointer) {
  __builtin_assume(__isGlobal(pointer));
  return pointer;
}

__device__ AdamWTensor tensor_at(const AdamWTensor* at) {
  AdamWTensor tensor = *at;
  tensor.gradient = in_global_memory(tensor.gradient);
  tensor.weight = in_global_memory(tensor.weight);
  tensor.exp_avg = in_global_memory(tensor.exp_avg);
  tensor.exp_avg_sq = in_global_memory(tensor.exp_avg_sq);
  if (tensor.working != nullptr) tensor.working = in_global_memory(tensor.working);
  return tensor;
}

/// N elements from i on.
template <int N>
__device__ void update(const AdamWTensor& a, float gradient_scale, std::int64_t i) {
  const Floats<N> gradient = load<N>(a.gradient + i);
  Floats<N> weight = load<N>(a.weight + i);
  Floats<N> exp_avg = load<N>(a.exp_avg + i);
  Floats<N> exp_avg_sq = load<N>(a.exp_avg_sq + i);
#pragma unroll
  for (int j = 0; j < N; ++j) {
    const float g = gradient.v[j] * gradient_scale;
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
}

/// A block has a chunk of one tensor.
extern "C" __global__ __launch_bounds__(kAdamWThreads) void adamw(const __grid_constant__ AdamW a) {
  const int index = last_not_above(a.count, blockIdx.x, [&](int i) { return a.tensors[i].first_block; });
  const AdamWTensor tensor = tensor_at(a.tensors + index);
  const std::int64_t begin = (blockIdx.x - tensor.first_block) * kAdamWChunk;
  const std::int64_t end = min(begin + kAdamWChunk, tensor.count);
  for (std::int64_t i = begin + threadIdx.x * kPack<float>; i < end; i += kAdamWThreads * kPack<float>) {
    if (i + kPack<float> <= end) {
      update<kPack<float>>(tensor, a.gradient_scale, i);
    } else {
      for (std::int64_t last = i; last < end; ++last) update<1>(tensor, a.gradient_scale, last);
    }
  }
}

/// A block has a chunk of one tensor. In double: a float's square may be no float.
extern "C" __global__ __launch_bounds__(kSquaredSumThreads) void squared_sum_chunks(
    const __grid_constant__ SquaredSum a) {
  const int index = last_not_above(a.count, blockIdx.x, [&](int i) { return a.tensors[i].first_chunk; });
  const SquaredSumTensor tensor = a.tensors[index];
  const float* const x = in_global_memory(tensor.x);
  const std::int64_t begin = (blockIdx.x - tensor.first_chunk) * kSquaredSumChunk;
  const std::int64_t end = min(begin + kSquaredSumChunk, tensor.count);
  double sum = 0.0;
#pragma unroll 4
  for (std::int64_t i = begin + threadIdx.x * kPack<float>; i < end; i += kSquaredSumThreads * kPack<float>) {
    if (i + kPack<float> <= end) {
      const Floats<kPack<float>> values = load<kPack<float>>(x + i);
#pragma unroll
      for (const float v : values.v) sum += static_cast<double>(v) * static_cast<double>(v);
    } else {
      for (std::int64_t last = i; last < end; ++last)
        sum += static_cast<double>(x[last]) * static_cast<double>(x[last]);
    }
  }
  sum = block_sum<kSquaredSumThreads>(sum);
  if (threadIdx.x == 0) a.partial[blockIdx.x] = sum;
}

/// A block has a tensor.
extern "C" __global__ __launch_bounds__(kSquaredSumThreads) void squared_sum_results(
    const __grid_constant__ SquaredSum a) {
  const std::int64_t end = a.tensors[blockIdx.x + 1].first_chunk;
  double sum = 0.0;
#pragma unroll 4
  for (std::int64_t i = a.tensors[blockIdx.x].first_chunk + threadIdx.x; i < end; i += kSquaredSumThreads)
    sum += a.partial[i];
  sum = block_sum<kSquaredSumThreads>(sum);
  if (threadIdx.x == 0) a.results[blockIdx.x] = sum;
}

}  // namespace
}  // namespace attune::cuda
