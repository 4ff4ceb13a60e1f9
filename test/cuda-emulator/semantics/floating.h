#pragma once

// Floating-point instructions: f32, f64, halves and pairs of halves. `mul` followed by `add` is never fused
// here, though ptxas may fuse those without a rounding modifier.

#include "integer.h"
#include "rounding.h"

namespace emulator {

template <class T>
inline constexpr bool kIsHalf = std::is_same_v<T, f16> || std::is_same_v<T, bf16>;
template <class T>
inline constexpr bool kIsPair = std::is_same_v<T, f16x2> || std::is_same_v<T, bf16x2>;
template <class T>
using HalfOf = std::conditional_t<std::is_same_v<T, f16x2>, f16, bf16>;

template <class Pair>
inline HalfOf<Pair> low(Pair pair) {
  return {static_cast<u16>(pair.bits)};
}
template <class Pair>
inline HalfOf<Pair> high(Pair pair) {
  return {static_cast<u16>(pair.bits >> 16)};
}
template <class Pair>
inline Pair pair_of(HalfOf<Pair> low, HalfOf<Pair> high) {
  return {static_cast<u32>(high.bits) << 16 | low.bits};
}

/// Subnormals become zeros of their sign.
inline f32 flush(f32 x) {
  return (bits_of(x) & 0x7f800000) == 0 ? __builtin_bit_cast(f32, bits_of(x) & 0x80000000u) : x;
}
inline f64 flush(f64 x) { return x; }
inline f16 flush(f16 x) { return (x.bits & 0x7c00) == 0 ? f16{static_cast<u16>(x.bits & 0x8000)} : x; }
inline bf16 flush(bf16 x) { return (x.bits & 0x7f80) == 0 ? bf16{static_cast<u16>(x.bits & 0x8000)} : x; }
template <class T>
  requires kIsPair<T>
inline T flush(T x) {
  return pair_of<T>(flush(low(x)), flush(high(x)));
}

inline f32 saturate(f32 x) { return x > 0 ? (x < 1 ? x : 1.0f) : 0.0f; }
inline f64 saturate(f64 x) { return x > 0 ? (x < 1 ? x : 1.0) : 0.0; }
template <class T>
  requires kIsHalf<T>
inline T saturate(T x) {
  return round_to<T>(saturate(to_f32(x)));
}
/// Negative values become 0; NaN stays.
template <class T>
  requires kIsHalf<T>
inline T relu(T x) {
  return to_f32(x) <= 0 ? T{0} : x;
}
template <class T>
  requires kIsPair<T>
inline T saturate(T x) {
  return pair_of<T>(saturate(low(x)), saturate(high(x)));
}
template <class T>
  requires kIsPair<T>
inline T relu(T x) {
  return pair_of<T>(relu(low(x)), relu(high(x)));
}

template <Rounding Mode = Rounding::rn>
inline f32 add(f32 a, f32 b) {
  return Mode == Rounding::rn ? a + b : directed(a + b, add_odd(a, b) - static_cast<f64>(a + b), Mode);
}
template <Rounding Mode = Rounding::rn>
inline f32 sub(f32 a, f32 b) {
  return Mode == Rounding::rn ? a - b : add<Mode>(a, -b);
}
template <Rounding Mode = Rounding::rn>
inline f32 mul(f32 a, f32 b) {
  return Mode == Rounding::rn ? a * b : directed(a * b, f64{a} * b - static_cast<f64>(a * b), Mode);
}
template <Rounding Mode = Rounding::rn>
inline f32 fma(f32 a, f32 b, f32 c) {
  const f32 nearest = __builtin_fmaf(a, b, c);
  return Mode == Rounding::rn ? nearest
                              : directed(nearest, fma_odd(a, b, c) - static_cast<f64>(nearest), Mode);
}
template <Rounding Mode = Rounding::rn>
inline f32 div(f32 a, f32 b) {
  const f32 nearest = a / b;
  if (Mode == Rounding::rn || b == 0 || !std::isfinite(a) || !std::isfinite(b)) return nearest;
  if (std::isinf(nearest)) return directed(nearest, -nearest, Mode);  // too large, but no infinity
  // The remainder a - q b is exact in double; its sign over b's is the error's.
  const f64 rest = std::fma(-static_cast<f64>(nearest), static_cast<f64>(b), static_cast<f64>(a));
  return directed(nearest, b < 0 ? -rest : rest, Mode);
}
template <Rounding Mode = Rounding::rn>
inline f32 sqrt(f32 a) {
  const f32 nearest = __builtin_sqrtf(a);
  if (Mode == Rounding::rn || !std::isfinite(nearest)) return nearest;
  return directed(nearest, f64{a} - static_cast<f64>(nearest) * nearest, Mode);
}
template <Rounding Mode = Rounding::rn>
inline f32 rcp(f32 a) {
  return div<Mode>(1.0f, a);
}

template <Rounding Mode = Rounding::rn>
inline f64 add(f64 a, f64 b) {
  const f64 sum = a + b;
  const f64 part = sum - a;
  return directed(sum, (a - (sum - part)) + (b - part), Mode);
}
template <Rounding Mode = Rounding::rn>
inline f64 sub(f64 a, f64 b) {
  return Mode == Rounding::rn ? a - b : add<Mode>(a, -b);
}
template <Rounding Mode = Rounding::rn>
inline f64 mul(f64 a, f64 b) {
  if constexpr (Mode == Rounding::rn) {
    return a * b;
  } else {
    // 113 bits hold the product exactly, even where the error of a small one is below the smallest double.
    const __float128 error = static_cast<__float128>(a) * b - a * b;
    return directed(a * b, error > 0 ? 1.0L : error < 0 ? -1.0L : 0.0L, Mode);
  }
}
inline f64 fma(f64 a, f64 b, f64 c) { return __builtin_fma(a, b, c); }
inline f64 div(f64 a, f64 b) { return a / b; }
inline f64 sqrt(f64 a) { return __builtin_sqrt(a); }
inline f64 rcp(f64 a) { return 1.0 / a; }

// Halves: one rounding of the exact result.
template <class T>
  requires kIsHalf<T>
inline T add(T a, T b) {
  return round_to<T>(add_odd(to_f32(a), to_f32(b)));
}
template <class T>
  requires kIsHalf<T>
inline T sub(T a, T b) {
  return round_to<T>(add_odd(to_f32(a), -to_f32(b)));
}
template <class T>
  requires kIsHalf<T>
inline T mul(T a, T b) {
  return round_to<T>(f64{to_f32(a)} * to_f32(b));
}
template <class T>
  requires kIsHalf<T>
inline T fma(T a, T b, T c) {
  return round_to<T>(fma_odd(to_f32(a), to_f32(b), to_f32(c)));
}

inline f32 neg(f32 a) { return __builtin_bit_cast(f32, bits_of(a) ^ 0x80000000u); }
inline f64 neg(f64 a) { return -a; }
inline f16 neg(f16 a) { return {static_cast<u16>(a.bits ^ 0x8000)}; }
inline bf16 neg(bf16 a) { return {static_cast<u16>(a.bits ^ 0x8000)}; }
inline f32 abs(f32 a) { return __builtin_bit_cast(f32, bits_of(a) & 0x7fffffffu); }
inline f64 abs(f64 a) { return __builtin_fabs(a); }
inline f16 abs(f16 a) { return {static_cast<u16>(a.bits & 0x7fff)}; }
inline bf16 abs(bf16 a) { return {static_cast<u16>(a.bits & 0x7fff)}; }
/// The sign of a with the magnitude of b.
inline f32 copysign(f32 a, f32 b) { return __builtin_copysignf(b, a); }
inline f64 copysign(f64 a, f64 b) { return __builtin_copysign(b, a); }

// A NaN loses against a number; -0 is less than +0. With `.NaN` a NaN wins.
template <class T>
inline bool less(T a, T b) {
  return a < b || (a == b && std::signbit(a) && !std::signbit(b));
}
template <class T>
inline T canonical_nan() {
  if constexpr (sizeof(T) == 4)
    return __builtin_bit_cast(T, 0x7fffffffu);
  else
    return __builtin_nan("");
}
template <bool PropagateNan, class T>
inline T float_min(T a, T b) {
  if (a != a || b != b) return PropagateNan || (a != a && b != b) ? canonical_nan<T>() : a != a ? b : a;
  return less(a, b) ? a : b;
}
template <bool PropagateNan, class T>
inline T float_max(T a, T b) {
  if (a != a || b != b) return PropagateNan || (a != a && b != b) ? canonical_nan<T>() : a != a ? b : a;
  return less(a, b) ? b : a;
}
template <bool PropagateNan, class T>
  requires kIsHalf<T>
inline T float_min(T a, T b) {
  return round_to<T>(float_min<PropagateNan>(to_f32(a), to_f32(b)));
}
template <bool PropagateNan, class T>
  requires kIsHalf<T>
inline T float_max(T a, T b) {
  return round_to<T>(float_max<PropagateNan>(to_f32(a), to_f32(b)));
}

// The approximate instructions are computed well here; on a GPU they may be off by some ulps.
inline f32 ex2(f32 a) { return __builtin_exp2f(a); }
inline f32 lg2(f32 a) { return __builtin_log2f(a); }
inline f32 sin(f32 a) { return __builtin_sinf(a); }
inline f32 cos(f32 a) { return __builtin_cosf(a); }
inline f32 tanh(f32 a) { return __builtin_tanhf(a); }
inline f32 rsqrt(f32 a) { return static_cast<f32>(1.0 / __builtin_sqrt(static_cast<f64>(a))); }
inline f64 rsqrt(f64 a) { return 1.0 / __builtin_sqrt(a); }
template <class T>
  requires kIsHalf<T>
inline T ex2(T a) {
  return round_to<T>(ex2(to_f32(a)));
}
template <class T>
  requires kIsHalf<T>
inline T tanh(T a) {
  return round_to<T>(tanh(to_f32(a)));
}

#define EMULATOR_PAIR_1(name)                       \
  template <class T>                                \
    requires kIsPair<T>                             \
  inline T name(T a) {                              \
    return pair_of<T>(name(low(a)), name(high(a))); \
  }
#define EMULATOR_PAIR_2(name)                                        \
  template <class T>                                                 \
    requires kIsPair<T>                                              \
  inline T name(T a, T b) {                                          \
    return pair_of<T>(name(low(a), low(b)), name(high(a), high(b))); \
  }
EMULATOR_PAIR_1(neg)
EMULATOR_PAIR_1(abs)
EMULATOR_PAIR_1(ex2)
EMULATOR_PAIR_1(tanh)
EMULATOR_PAIR_2(add)
EMULATOR_PAIR_2(sub)
EMULATOR_PAIR_2(mul)
template <class T>
  requires kIsPair<T>
inline T fma(T a, T b, T c) {
  return pair_of<T>(fma(low(a), low(b), low(c)), fma(high(a), high(b), high(c)));
}
template <bool PropagateNan, class T>
  requires kIsPair<T>
inline T float_min(T a, T b) {
  return pair_of<T>(float_min<PropagateNan>(low(a), low(b)), float_min<PropagateNan>(high(a), high(b)));
}
template <bool PropagateNan, class T>
  requires kIsPair<T>
inline T float_max(T a, T b) {
  return pair_of<T>(float_max<PropagateNan>(low(a), low(b)), float_max<PropagateNan>(high(a), high(b)));
}

}  // namespace emulator
