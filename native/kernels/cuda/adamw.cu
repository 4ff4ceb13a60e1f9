// adamw: one pass over gradient, weight and both moments; squared_sum: the norm that clipping needs. Formulas
// in kernels/adamw.h. A launch has all tensors of a list, each flat (n): a block finds its own by halving. 28
// bytes an element, 30 with the working copy: memory's speed. Of moments in codes a warp has a block of 256,
// 8 a lane: 16 bytes an element, 18 with the copy.

#include "kernels/cuda/adamw.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/quantized.cuh"
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
  if (tensor.exp_avg_scale != nullptr) {
    tensor.exp_avg_scale = in_global_memory(tensor.exp_avg_scale);
    tensor.exp_avg_sq_scale = in_global_memory(tensor.exp_avg_sq_scale);
  }
  return tensor;
}

/// N elements from i on, the moments of which are in registers.
template <int N>
__device__ void update(const AdamWTensor& a, float gradient_scale, std::int64_t i, float (&exp_avg)[N],
                       float (&exp_avg_sq)[N]) {
  const Floats<N> gradient = load<N>(a.gradient + i);
  Floats<N> weight = load<N>(a.weight + i);
#pragma unroll
  for (int j = 0; j < N; ++j) {
    const float g = gradient.v[j] * gradient_scale;
    const float m = a.beta1 * exp_avg[j] + a.one_minus_beta1 * g;
    const float v = a.beta2 * exp_avg_sq[j] + a.one_minus_beta2 * g * g;
    exp_avg[j] = m;
    exp_avg_sq[j] = v;
    // -0 less a step of -0 is +0: with a rate of 0 not even that may change.
    if (a.moves) weight.v[j] = weight.v[j] * a.decay - a.step * m / (sqrtf(v) * a.root + a.eps);
  }
  store<N>(a.weight + i, weight);
  if (a.working != nullptr) store<N>(static_cast<bf16*>(a.working) + i, weight);
}

template <int N>
__device__ void update(const AdamWTensor& a, float gradient_scale, std::int64_t i) {
  Floats<N> exp_avg = load<N>(static_cast<const float*>(a.exp_avg) + i);
  Floats<N> exp_avg_sq = load<N>(static_cast<const float*>(a.exp_avg_sq) + i);
  update<N>(a, gradient_scale, i, exp_avg.v, exp_avg_sq.v);
  store<N>(static_cast<float*>(a.exp_avg) + i, exp_avg);
  store<N>(static_cast<float*>(a.exp_avg_sq) + i, exp_avg_sq);
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

// ---- moments in codes ----

__device__ const Levels<256> kExpAvgSqLevels = levels_of(kExpAvgSqValues);

struct DecadeTable {
  MomentDecade v[kMomentDecades];
};
consteval DecadeTable decade_table(const std::array<MomentDecade, kMomentDecades>& decades) {
  DecadeTable table{};
  for (std::size_t i = 0; i < kMomentDecades; ++i) table.v[i] = decades[i];
  return table;
}

/// The number of the interval that x, in [0, 1], lies in.
template <int Finest>
__device__ int interval_of(float x) {
  constexpr DecadeTable kDecades = decade_table(make_moment_decades(Finest));
  float slope = kDecades.v[0].slope;
  float shift = kDecades.v[0].shift;
#pragma unroll
  for (int decade = 1; decade < kMomentDecades; ++decade) {
    const bool reaches = x >= kDecades.v[decade].from;
    slope = reaches ? kDecades.v[decade].slope : slope;
    shift = reaches ? kDecades.v[decade].shift : shift;
  }
  return static_cast<int>(x * slope + shift);
}

__device__ std::uint8_t exp_avg_code(float m, float scale) {
  const float x = scale == 0.0F ? 0.0F : m / scale;
  const int interval = interval_of<64>(fabsf(x));
  // -1 has no code of its own.
  return static_cast<std::uint8_t>(x < 0.0F ? kExpAvgZero - min(interval, kExpAvgZero)
                                            : kExpAvgZero + interval);
}

__device__ std::uint8_t exp_avg_sq_code(float v, float scale) {
  const int interval = scale == 0.0F ? 0 : interval_of<128>(v / scale);
  return static_cast<std::uint8_t>(max(interval, v > 0.0F ? 1 : 0));
}

/// A block has a chunk of one tensor, a warp whole blocks of its moments, a lane packs of these.
extern "C" __global__ __launch_bounds__(kAdamWThreads) void adamw_coded(const __grid_constant__ AdamW a) {
  constexpr int kOfPack = kPack<float>;
  constexpr int kPacks = kMomentBlock / kWarp / kOfPack;
  const int index = last_not_above(a.count, blockIdx.x, [&](int i) { return a.tensors[i].first_block; });
  const AdamWTensor tensor = tensor_at(a.tensors + index);
  auto* const codes = static_cast<std::uint8_t*>(tensor.exp_avg);
  auto* const codes_sq = static_cast<std::uint8_t*>(tensor.exp_avg_sq);
  const std::int64_t first = (blockIdx.x - tensor.first_block) * kAdamWMomentBlocks;
  for (std::int64_t block = first + warp_id(); block < first + kAdamWMomentBlocks;
       block += kAdamWThreads / kWarp) {
    const std::int64_t begin = block * kMomentBlock;
    if (begin >= tensor.count) return;
    const float scale = tensor.exp_avg_scale[block];
    const float scale_sq = tensor.exp_avg_sq_scale[block];
    float m[kPacks][kOfPack] = {};
    float v[kPacks][kOfPack] = {};
    float highest = 0.0F;
    float lowest = 0.0F;
    float highest_sq = 0.0F;
#pragma unroll
    for (int pack = 0; pack < kPacks; ++pack) {
      const std::int64_t i = begin + (pack * kWarp + lane_id()) * kOfPack;
      if (i + kOfPack <= tensor.count) {
        const std::uint32_t four = *reinterpret_cast<const std::uint32_t*>(codes + i);
        const std::uint32_t four_sq = *reinterpret_cast<const std::uint32_t*>(codes_sq + i);
#pragma unroll
        for (int j = 0; j < kOfPack; ++j) {
          m[pack][j] = kScaleLevels.v[four >> 8 * j & 255U] * scale;
          v[pack][j] = kExpAvgSqLevels.v[four_sq >> 8 * j & 255U] * scale_sq;
        }
        update<kOfPack>(tensor, a.gradient_scale, i, m[pack], v[pack]);
      } else {
#pragma unroll
        for (int j = 0; j < kOfPack; ++j) {
          if (i + j >= tensor.count) break;
          float one[1] = {kScaleLevels.v[codes[i + j]] * scale};
          float one_sq[1] = {kExpAvgSqLevels.v[codes_sq[i + j]] * scale_sq};
          update<1>(tensor, a.gradient_scale, i + j, one, one_sq);
          m[pack][j] = one[0];
          v[pack][j] = one_sq[0];
        }
      }
#pragma unroll
      for (int j = 0; j < kOfPack; ++j) {
        highest = fmaxf(highest, m[pack][j]);
        lowest = fminf(lowest, m[pack][j]);
        highest_sq = fmaxf(highest_sq, v[pack][j]);
      }
    }
    highest = warp_max(highest);
    lowest = -warp_max(-lowest);
    highest_sq = warp_max(highest_sq);
    const float largest = highest >= -lowest ? highest : lowest;
#pragma unroll
    for (int pack = 0; pack < kPacks; ++pack) {
      const std::int64_t i = begin + (pack * kWarp + lane_id()) * kOfPack;
      std::uint32_t four = 0;
      std::uint32_t four_sq = 0;
#pragma unroll
      for (int j = 0; j < kOfPack; ++j) {
        four |= static_cast<std::uint32_t>(exp_avg_code(m[pack][j], largest)) << 8 * j;
        four_sq |= static_cast<std::uint32_t>(exp_avg_sq_code(v[pack][j], highest_sq)) << 8 * j;
      }
      if (i + kOfPack <= tensor.count) {
        *reinterpret_cast<std::uint32_t*>(codes + i) = four;
        *reinterpret_cast<std::uint32_t*>(codes_sq + i) = four_sq;
      } else {
        for (int j = 0; j < kOfPack && i + j < tensor.count; ++j) {
          codes[i + j] = static_cast<std::uint8_t>(four >> 8 * j);
          codes_sq[i + j] = static_cast<std::uint8_t>(four_sq >> 8 * j);
        }
      }
    }
    if (lane_id() == 0) {
      tensor.exp_avg_scale[block] = largest;
      tensor.exp_avg_sq_scale[block] = highest_sq;
    }
  }
}

// ---- squared_sum ----

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
