#pragma once

// Elements of weights held in fewer bits, whose memory core/quantization.h lays out.

#include "core/quantization.h"
#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/quantized_weight.h"

namespace attune::cuda {

/// A table of core/quantization.h. In memory: lanes that look up a few of its values take one access.
template <std::size_t N>
struct Levels {
  float v[N];
};
template <std::size_t N>
consteval Levels<N> levels_of(const std::array<float, N>& values) {
  Levels<N> levels{};
  for (std::size_t i = 0; i < N; ++i) levels.v[i] = values[i];
  return levels;
}
__device__ const Levels<16> kNf4Levels = levels_of(kNf4Values);
__device__ const Levels<256> kScaleLevels = levels_of(kScaleValues);

/// Of the block that has this element.
__device__ inline float scale_of(const QuantizedWeight& weight, std::int64_t element) {
  const std::int64_t block = element / kQuantizedBlock;
  if (!weight.nf4) return static_cast<const float*>(weight.scales)[block];
  const float* const mean = weight.second_scales;
  // Rounded twice, as on the processor: the floats that a weight stands for are the same ones everywhere.
  const float scale = kScaleLevels.v[static_cast<const std::uint8_t*>(weight.scales)[block]];
  return __fadd_rn(__fmul_rn(scale, mean[1 + block / kScaleBlock]), mean[0]);
}

__device__ inline float quantized_element(const QuantizedWeight& weight, std::int64_t element) {
  const auto* const bytes = static_cast<const std::uint8_t*>(weight.codes);
  const float scale = scale_of(weight, element);
  if (!weight.nf4) return static_cast<float>(static_cast<std::int8_t>(bytes[element])) * scale;
  const int pair = bytes[element / 2];
  return kNf4Levels.v[element % 2 == 0 ? pair >> 4 : pair & 15] * scale;
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
      values.v[i] = kNf4Levels.v[codes.bytes[0] >> (i / 2 * 8 + (i % 2 == 0 ? 4 : 0)) & 15U];
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
