#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"

namespace attune {

/// Element types. `f16` exists in files only: it is widened when a checkpoint is read. `u8` is of codes that
/// stand for an optimizer's moments. `int8` and `nf4` are of frozen weights: see core/quantization.h.
enum class DType : std::uint8_t { f32, bf16, f16, i32, u8, int8, nf4 };

[[nodiscard]] constexpr bool is_quantized(DType dtype) { return dtype == DType::int8 || dtype == DType::nf4; }

/// Bytes of one element. Quantised ones have no size of their own: bytes_of counts them.
[[nodiscard]] constexpr std::size_t size_of(DType dtype) {
  return dtype == DType::f32 || dtype == DType::i32 ? 4 : dtype == DType::u8 ? 1 : 2;
}

[[nodiscard]] constexpr std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::bf16:
      return "bf16";
    case DType::f16:
      return "f16";
    case DType::i32:
      return "i32";
    case DType::u8:
      return "u8";
    case DType::int8:
      return "int8";
    case DType::nf4:
      return "nf4";
  }
  return "?";
}

/// The upper half of a float32: 8 exponent bits, 7 fraction bits.
struct bfloat16 {
  std::uint16_t bits;
};

[[nodiscard]] inline float to_float(float value) { return value; }
[[nodiscard]] inline float to_float(bfloat16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}

/// Rounds to nearest, ties to even; a NaN stays a (quiet) NaN.
[[nodiscard]] inline bfloat16 to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffU) > 0x7f800000U) {
    return {static_cast<std::uint16_t>((bits >> 16) | 0x40U)};
  }
  return {static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16)};
}

template <class T>
[[nodiscard]] inline T from_float(float value) {
  if constexpr (sizeof(T) == 4) {
    return value;
  } else {
    return to_bfloat16(value);
  }
}

template <class T>
inline constexpr DType dtype_of = DType::f32;
template <>
inline constexpr DType dtype_of<bfloat16> = DType::bf16;
template <>
inline constexpr DType dtype_of<std::int32_t> = DType::i32;

}  // namespace attune
