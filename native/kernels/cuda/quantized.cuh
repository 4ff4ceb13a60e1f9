#pragma once

// Elements of weights held in fewer bits, whose memory core/quantization.h lays out.

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/quantized_weight.h"

namespace attune::cuda {

/// kNf4Values of core/quantization.h. In memory: 16 lanes that look up 16 of them take one access.
__device__ const float kNf4Levels[16] = {-1.0F,
                                         -0.6961928009986877F,
                                         -0.5250730514526367F,
                                         -0.39491748809814453F,
                                         -0.28444138169288635F,
                                         -0.18477343022823334F,
                                         -0.09105003625154495F,
                                         0.0F,
                                         0.07958029955625534F,
                                         0.16093020141124725F,
                                         0.24611230194568634F,
                                         0.33791524171829224F,
                                         0.44070982933044434F,
                                         0.5626170039176941F,
                                         0.7229568362236023F,
                                         1.0F};

struct ScaleLevels {
  float v[256];
};

/// kScaleValues of core/quantization.h, already in order: 0 at 127, 1 last, and in decade d 2^d middles of
/// [0.1, 1].
constexpr ScaleLevels make_scale_levels() {
  constexpr float kDecades[7] = {1e-6F, 1e-5F, 1e-4F, 1e-3F, 1e-2F, 1e-1F, 1.0F};
  ScaleLevels levels{};
  int above = 0;
  for (int decade = 0; decade < 7; ++decade) {
    const int intervals = 1 << decade;
    const float step = 0.9F / static_cast<float>(intervals);
    for (int i = 0; i < intervals; ++i) {
      const float low = 0.1F + step * static_cast<float>(i);
      const float high = i + 1 == intervals ? 1.0F : 0.1F + step * static_cast<float>(i + 1);
      const float middle = kDecades[decade] * ((low + high) / 2.0F);
      levels.v[128 + above] = middle;
      levels.v[126 - above] = -middle;
      ++above;
    }
  }
  levels.v[255] = 1.0F;
  return levels;
}
__device__ const ScaleLevels kScaleLevels = make_scale_levels();

/// Of the block of 64 elements that has this one.
__device__ inline float scale_of(const QuantizedWeight& weight, std::int64_t element) {
  const std::int64_t block = element / 64;
  if (!weight.nf4) return static_cast<const float*>(weight.scales)[block];
  const float* const mean = weight.second_scales;
  // Rounded twice, as on the processor: the floats that a weight stands for are the same ones everywhere.
  const float scale = kScaleLevels.v[static_cast<const std::uint8_t*>(weight.scales)[block]];
  return __fadd_rn(__fmul_rn(scale, mean[1 + block / 256]), mean[0]);
}

__device__ inline float quantized_element(const QuantizedWeight& weight, std::int64_t element) {
  const auto* const bytes = static_cast<const std::uint8_t*>(weight.codes);
  const float scale = scale_of(weight, element);
  if (!weight.nf4) return static_cast<float>(static_cast<std::int8_t>(bytes[element])) * scale;
  const int pair = bytes[element / 2];
  return kNf4Levels[element % 2 == 0 ? pair >> 4 : pair & 15] * scale;
}

/// The codes of kPack<T> elements and their scale.
struct Codes {
  std::uint32_t bytes[2];
  float scale;
};

/// From `element`, a multiple of kPack<T>: they are of one block.
template <class T>
__device__ inline Codes load_codes(const QuantizedWeight& weight, std::int64_t element) {
  const auto* const bytes =
      static_cast<const std::uint8_t*>(weight.codes) + (weight.nf4 ? element / 2 : element);
  Codes codes{.bytes = {0, 0}, .scale = scale_of(weight, element)};
  if constexpr (kPack<T> == 8) {
    codes.bytes[0] = *reinterpret_cast<const std::uint32_t*>(bytes);
    if (!weight.nf4) codes.bytes[1] = *reinterpret_cast<const std::uint32_t*>(bytes + 4);
  } else if (weight.nf4) {
    codes.bytes[0] = *reinterpret_cast<const std::uint16_t*>(bytes);
  } else {
    codes.bytes[0] = *reinterpret_cast<const std::uint32_t*>(bytes);
  }
  return codes;
}

/// As 16 bytes of activations: bf16 are rounded here, as a weight held in bf16 is.
template <class T>
__device__ inline uint4 unpack_codes(const QuantizedWeight& weight, const Codes& codes) {
  Floats<kPack<T>> values;
#pragma unroll
  for (int i = 0; i < kPack<T>; ++i) {
    if (weight.nf4) {
      values.v[i] = kNf4Levels[codes.bytes[0] >> (i / 2 * 8 + (i % 2 == 0 ? 4 : 0)) & 15U];
    } else {
      values.v[i] = static_cast<float>(static_cast<std::int8_t>(codes.bytes[i / 4] >> (i % 4 * 8)));
    }
  }
  alignas(16) T rounded[kPack<T>];
#pragma unroll
  for (int i = 0; i < kPack<T>; ++i) rounded[i] = from_float<T>(values.v[i] * codes.scale);
  return *reinterpret_cast<const uint4*>(rounded);
}

}  // namespace attune::cuda
