#pragma once

// Rounding by every PTX mode, and the small floating-point formats.

#include "register.h"

namespace emulator {

enum class Rounding { rn, rz, rm, rp, rna };

/// Moves the nearest value to the one the mode asks for. `error` has the sign of (exact - nearest).
template <class T>
inline T directed(T nearest, long double error, Rounding mode) {
  const bool up = mode == Rounding::rp || (mode == Rounding::rz && std::signbit(nearest));
  if (mode == Rounding::rn || error == 0 || error != error || (error > 0) != up) return nearest;
  return std::nextafter(nearest, up ? static_cast<T>(INFINITY) : static_cast<T>(-INFINITY));
}

/// The neighbour with an odd last bit when the value is not exact: it can be rounded again without a second
/// error.
inline f64 to_odd(f64 nearest, f64 error) {
  if (error == 0 || !std::isfinite(nearest) || (bits_of(nearest) & 1) != 0) return nearest;
  return std::nextafter(nearest, error > 0 ? INFINITY : -INFINITY);
}
inline f64 add_odd(f64 a, f64 b) {
  const f64 sum = a + b;
  const f64 part = sum - a;  // Knuth's TwoSum: the error of a sum is a number of the same format
  return to_odd(sum, (a - (sum - part)) + (b - part));
}
/// For factors of at most 26 bits their product is exact.
inline f64 fma_odd(f64 a, f64 b, f64 c) { return add_odd(a * b, c); }

/// Bits of the format with 1 sign, `Exponent` and `Mantissa` bits that is nearest to the value by the mode.
/// The value is exact or rounded to odd.
template <int Exponent, int Mantissa>
inline u32 encode(f64 value, Rounding mode) {
  constexpr int kLowest = 2 - (1 << (Exponent - 1));
  constexpr u32 kInfinity = ((1u << Exponent) - 1) << Mantissa;
  const u64 raw = bits_of(value);
  const bool negative = raw >> 63 != 0;
  const u32 sign = negative ? 1u << (Exponent + Mantissa) : 0;
  if (value != value) return kInfinity | ((1u << Mantissa) - 1);
  if (std::isinf(value)) return sign | kInfinity;
  if (value == 0) return sign;
  const int field = static_cast<int>(raw >> 52 & 2047);
  const u64 significand = (raw & ((u64{1} << 52) - 1)) | (field != 0 ? u64{1} << 52 : 0);
  const int exponent = field != 0 ? field - 1023 : -1022;
  const int scale = exponent > kLowest ? exponent : kLowest;
  const int drop = (scale - Mantissa) - (exponent - 52);
  u64 kept = drop < 64 ? significand >> drop : 0;
  const u64 rest = drop < 64 ? significand & ((u64{1} << drop) - 1) : significand;
  const u64 half = drop < 64 ? u64{1} << (drop - 1) : ~u64{0};
  bool up = false;
  if (mode == Rounding::rn) up = rest > half || (rest == half && (kept & 1) != 0);
  if (mode == Rounding::rna) up = rest >= half;
  if (mode == Rounding::rp) up = rest != 0 && !negative;
  if (mode == Rounding::rm) up = rest != 0 && negative;
  kept += up ? 1 : 0;
  const u64 magnitude = (static_cast<u64>(scale - kLowest) << Mantissa) + kept;
  if (magnitude < kInfinity) return sign | static_cast<u32>(magnitude);
  const bool to_infinity = mode == Rounding::rn || mode == Rounding::rna ||
                           (mode == Rounding::rp && !negative) || (mode == Rounding::rm && negative);
  return sign | (to_infinity ? kInfinity : kInfinity - 1);
}

inline f32 to_f32(bf16 value) { return __builtin_bit_cast(f32, static_cast<u32>(value.bits) << 16); }
inline f32 to_f32(f16 value) {
  const u32 sign = static_cast<u32>(value.bits & 0x8000) << 16;
  const u32 exponent = value.bits >> 10 & 31;
  const u32 mantissa = value.bits & 1023;
  if (exponent == 31) return __builtin_bit_cast(f32, sign | 0x7f800000u | mantissa << 13);
  if (exponent != 0) return __builtin_bit_cast(f32, sign | (exponent + 112) << 23 | mantissa << 13);
  const f32 subnormal = static_cast<f32>(mantissa) * 0x1p-24f;
  return sign != 0 ? -subnormal : subnormal;
}
inline f32 to_f32(f32 value) { return value; }

template <class T>
inline T round_to(f64 value, Rounding mode = Rounding::rn);
template <>
inline f16 round_to<f16>(f64 value, Rounding mode) {
  return {static_cast<u16>(encode<5, 10>(value, mode))};
}
template <>
inline bf16 round_to<bf16>(f64 value, Rounding mode) {
  return {static_cast<u16>(encode<8, 7>(value, mode))};
}
template <>
inline f32 round_to<f32>(f64 value, Rounding mode) {
  const f32 nearest = static_cast<f32>(value);
  return directed(nearest, value - static_cast<f64>(nearest), mode);
}

/// The common case, without the detour by double.
inline bf16 nearest_bf16(f32 value) {
  const u32 bits = bits_of(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return {0x7fff};
  return {static_cast<u16>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

}  // namespace emulator
