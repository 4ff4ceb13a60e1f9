#pragma once

// Weights held in fewer bits, in blocks of 64 elements in the order of memory, whatever the shape.
//
//   int8  w = scale code            scale = largest |w| of the block / 127, code in [-127, 127]
//         The error is at most half a scale: 1 / 254 of the block's largest |w|.
//   nf4   w = scale kNf4Values[code]   scale = largest |w| of the block: QLoRA's NF4 (arXiv 2305.14314)
//         Scales are quantised once more, in blocks of 256: scale = mean + second scale kScaleValues[code].
//         Two codes a byte, the first in the high four bits, as bitsandbytes packs them.
//
// Memory of n elements in b blocks, each part from a multiple of 64 bytes on:
//   int8  codes (n bytes), scales (b floats): 1.0625 bytes an element
//   nf4   codes (n / 2 bytes), codes of scales (b bytes), mean and second scales (1 + b / 256 floats): 0.516

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/dtype.h"

namespace attune {

inline constexpr std::int64_t kQuantizedBlock = 64;
inline constexpr std::int64_t kScaleBlock = 256;

/// Quantiles of a normal distribution, scaled to [-1, 1]; 0 is one of them (QLoRA, appendix E).
inline constexpr std::array<float, 16> kNf4Values = {-1.0F,
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

/// Dettmers' dynamic 8-bit numbers (arXiv 2110.02861), ascending: 7 decades, in each as many values as the
/// bits left hold, both signs, 0 and 1. The values are the middles of evenly spaced intervals of [0.1, 1],
/// ever finer by decade, as bitsandbytes' create_dynamic_map makes them.
consteval std::array<float, 256> make_scale_values() {
  constexpr float kDecades[] = {1e-6F, 1e-5F, 1e-4F, 1e-3F, 1e-2F, 1e-1F, 1.0F};
  std::array<float, 256> values{};  // 0 stays at 127
  std::size_t above = 0;
  for (std::size_t decade = 0; decade < 7; ++decade) {
    const int intervals = 1 << decade;
    const float step = 0.9F / static_cast<float>(intervals);
    for (int i = 0; i < intervals; ++i) {
      const float low = 0.1F + step * static_cast<float>(i);
      const float high = i + 1 == intervals ? 1.0F : 0.1F + step * static_cast<float>(i + 1);
      const float middle = kDecades[decade] * ((low + high) / 2.0F);
      values[128 + above] = middle;
      values[126 - above] = -middle;
      ++above;
    }
  }
  values[255] = 1.0F;
  return values;
}
inline constexpr std::array<float, 256> kScaleValues = make_scale_values();

[[nodiscard]] constexpr std::size_t whole_lines(std::size_t bytes) { return (bytes + 63) / 64 * 64; }
[[nodiscard]] constexpr std::int64_t quantized_blocks(std::int64_t elements) {
  return (elements + kQuantizedBlock - 1) / kQuantizedBlock;
}
/// Where the codes end.
[[nodiscard]] constexpr std::size_t code_bytes(DType dtype, std::int64_t elements) {
  return whole_lines(static_cast<std::size_t>(dtype == DType::nf4 ? (elements + 1) / 2 : elements));
}

/// Bytes of so many elements in any type.
[[nodiscard]] constexpr std::size_t bytes_of(DType dtype, std::int64_t elements) {
  const auto blocks = static_cast<std::size_t>(quantized_blocks(elements));
  if (dtype == DType::int8) return code_bytes(dtype, elements) + blocks * sizeof(float);
  if (dtype == DType::nf4) {
    const std::size_t seconds = (blocks + kScaleBlock - 1) / kScaleBlock;
    return code_bytes(dtype, elements) + whole_lines(blocks) + (1 + seconds) * sizeof(float);
  }
  return static_cast<std::size_t>(elements) * size_of(dtype);
}

/// Fills bytes_of(dtype, values.size()) bytes. `name` is the tensor's, for the error of a value that is not
/// finite: Error{"invalid-file"}.
void quantize(DType dtype, std::span<const float> values, std::byte* out, const char* name);
void dequantize(DType dtype, const std::byte* data, std::span<float> out);

/// Where the parts of quantised memory are, for kernels.
struct QuantizedView {
  DType dtype = DType::int8;
  const std::int8_t* int8_codes = nullptr;
  const float* int8_scales = nullptr;
  const std::uint8_t* nf4_codes = nullptr;
  const float* nf4_values = nullptr;  ///< kNf4Values
  const std::uint8_t* scale_codes = nullptr;
  const float* scale_values = nullptr;  ///< kScaleValues
  const float* second_scales = nullptr;
  float mean = 0.0F;
};
/// Not inline: kernels of every instruction set call it, and the linker keeps one copy of an inline function.
[[nodiscard]] QuantizedView view_quantized(DType dtype, const void* data, std::int64_t elements);
/// The scale of a block of nf4. Not inline either: where a compiler fuses product and sum, its bits are
/// others.
[[nodiscard]] float nf4_scale(const QuantizedView& view, std::int64_t block);

}  // namespace attune
