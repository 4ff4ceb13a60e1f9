#pragma once

// cvt, by the manual's rules for rounding, saturation and NaN.

#include <limits>
#include <utility>

#include "floating.h"

namespace emulator {

enum class ToInteger { rni, rzi, rmi, rpi };

template <ToInteger Mode, class T>
inline T round_integral(T value) {
  if constexpr (kIsHalf<T>) {
    return round_to<T>(round_integral<Mode>(to_f32(value)));
  } else {
    if constexpr (Mode == ToInteger::rni)
      return std::nearbyint(value);
    else if constexpr (Mode == ToInteger::rzi)
      return std::trunc(value);
    else if constexpr (Mode == ToInteger::rmi)
      return std::floor(value);
    else
      return std::ceil(value);
  }
}

/// Out of range goes to the nearest end. NaN becomes 0, or the lone top bit when f64 or 64 bits are involved.
template <class To, ToInteger Mode, class From>
inline To float_to_integer(From value) {
  if constexpr (kIsHalf<From>) {
    return float_to_integer<To, Mode>(to_f32(value));
  } else {
    if (value != value) {
      return sizeof(From) == 8 || sizeof(To) == 8 ? static_cast<To>(u64{1} << (8 * sizeof(To) - 1)) : To{0};
    }
    const From whole = round_integral<Mode>(value);
    // Both ends are powers of two and so exact, but for the upper end itself.
    constexpr From kPast = static_cast<From>(static_cast<long double>(std::numeric_limits<To>::max()) + 1);
    if (whole >= kPast) return std::numeric_limits<To>::max();
    if (whole < static_cast<From>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
    return static_cast<To>(whole);
  }
}

template <class To, Rounding Mode, class From>
inline To integer_to_float(From value) {
  if constexpr (kIsHalf<To>) {
    const f64 nearest = static_cast<f64>(value);
    const auto error = static_cast<f64>(static_cast<long double>(value) - nearest);
    return round_to<To>(to_odd(nearest, error), Mode);
  } else {
    const To nearest = static_cast<To>(value);
    return directed(nearest, static_cast<long double>(value) - static_cast<long double>(nearest), Mode);
  }
}

template <class To, class From>
inline To integer_saturate(From value) {
  if (std::cmp_less(value, std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
  if (std::cmp_greater(value, std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
  return static_cast<To>(value);
}

template <class To, Rounding Mode, class From>
inline To float_to_float(From value) {
  if constexpr (std::is_same_v<To, f64>) {
    if constexpr (kIsHalf<From>)
      return to_f32(value);
    else
      return value;
  } else if constexpr (std::is_same_v<To, bf16> && std::is_same_v<From, f32> && Mode == Rounding::rn) {
    return nearest_bf16(value);
  } else if constexpr (kIsHalf<From>) {
    return round_to<To>(to_f32(value), Mode);
  } else {
    return round_to<To>(value, Mode);
  }
}

/// cvt.rn.bf16x2.f32 d, a, b: a goes to the upper half.
template <class Pair, Rounding Mode>
inline Pair floats_to_pair(f32 upper, f32 lower) {
  using Half = HalfOf<Pair>;
  return pair_of<Pair>(float_to_float<Half, Mode>(lower), float_to_float<Half, Mode>(upper));
}

/// 10 bits of mantissa, the rest zero.
inline u32 to_tf32(f32 value, Rounding mode) {
  const u32 bits = bits_of(value);
  if ((bits & 0x7f800000) == 0x7f800000) return value != value ? 0x7fffffffu : bits;
  return encode<8, 10>(value, mode) << 13;
}

}  // namespace emulator
