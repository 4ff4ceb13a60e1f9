#pragma once

#include <arm_neon.h>

namespace attune::cpu::ATTUNE_ISA {

struct Vec {
  static constexpr int kWidth = 4;
  static constexpr int kRegisters = 32;
  static constexpr bool kFmaReads = false;
  float32x4_t v;
};
struct Mask {
  uint32x4_t m;
};

ATTUNE_INLINE Vec zero() { return {vdupq_n_f32(0.0F)}; }
ATTUNE_INLINE Vec broadcast(float value) { return {vdupq_n_f32(value)}; }

// There are no masked loads and stores: one, two or three lanes are a pair, a lane, or both.
ATTUNE_INLINE Vec load(const float* p) { return {vld1q_f32(p)}; }
ATTUNE_INLINE Vec load_partial(const float* p, std::int64_t count) {
  if (count >= 4) return load(p);
  const float32x2_t none = vdup_n_f32(0.0F);
  const float32x2_t pair = count >= 2 ? vld1_f32(p) : none;
  if ((count & 1) == 0) return {vcombine_f32(pair, none)};
  const float32x2_t last = vld1_lane_f32(p + (count & 2), none, 0);
  return {count == 1 ? vcombine_f32(last, none) : vcombine_f32(pair, last)};
}
ATTUNE_INLINE void store(float* p, Vec a) { vst1q_f32(p, a.v); }
ATTUNE_INLINE void store_partial(float* p, Vec a, std::int64_t count) {
  if (count >= 4) return store(p, a);
  if (count >= 2) vst1_f32(p, vget_low_f32(a.v));
  if (count == 3) vst1q_lane_f32(p + 2, a.v, 2);
  if (count == 1) vst1q_lane_f32(p, a.v, 0);
}

ATTUNE_INLINE Vec widen(uint16x4_t halves) { return {vreinterpretq_f32_u32(vshll_n_u16(halves, 16))}; }
/// Not bfcvtn where that exists: its NaN may be another one, and not every processor has it.
ATTUNE_INLINE uint16x4_t narrow(Vec a) {
  const uint32x4_t bits = vreinterpretq_u32_f32(a.v);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  const uint32x4_t rounded = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
  const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
  const uint32x4_t number = vceqq_f32(a.v, a.v);
  return vshrn_n_u32(vbslq_u32(number, rounded, quiet), 16);
}
ATTUNE_INLINE Vec load(const bfloat16* p) {
  return widen(vld1_u16(reinterpret_cast<const std::uint16_t*>(p)));
}
ATTUNE_INLINE Vec load_partial(const bfloat16* p, std::int64_t count) {
  bfloat16 lanes[4] = {};
  for (std::int64_t i = 0; i < count; ++i) lanes[i] = p[i];
  return load(lanes);
}
ATTUNE_INLINE Vec load(const std::int8_t* p) {
  std::int32_t four = 0;
  __builtin_memcpy(&four, p, sizeof(four));
  const int16x8_t wide = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
  return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)))};
}
ATTUNE_INLINE Vec look_up_nibbles(const std::uint8_t* p, const float* values) {
  const float lanes[4] = {values[p[0] >> 4], values[p[0] & 15], values[p[1] >> 4], values[p[1] & 15]};
  return load(lanes);
}
ATTUNE_INLINE void store(bfloat16* p, Vec a) { vst1_u16(reinterpret_cast<std::uint16_t*>(p), narrow(a)); }
ATTUNE_INLINE void store_partial(bfloat16* p, Vec a, std::int64_t count) {
  bfloat16 lanes[4];
  store(lanes, a);
  for (std::int64_t i = 0; i < count; ++i) p[i] = lanes[i];
}

ATTUNE_INLINE Vec operator+(Vec a, Vec b) { return {vaddq_f32(a.v, b.v)}; }
ATTUNE_INLINE Vec operator-(Vec a, Vec b) { return {vsubq_f32(a.v, b.v)}; }
ATTUNE_INLINE Vec operator*(Vec a, Vec b) { return {vmulq_f32(a.v, b.v)}; }
ATTUNE_INLINE Vec operator/(Vec a, Vec b) { return {vdivq_f32(a.v, b.v)}; }
ATTUNE_INLINE Vec fma(Vec a, Vec b, Vec c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
ATTUNE_INLINE Vec fma_element(const float* a, Vec b, Vec c) { return fma(broadcast(*a), b, c); }
ATTUNE_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {vfmsq_f32(c.v, a.v, b.v)}; }
/// Both give b where either is NaN; fmin and fmax would give NaN.
ATTUNE_INLINE Vec min(Vec a, Vec b) { return {vbslq_f32(vcltq_f32(a.v, b.v), a.v, b.v)}; }
ATTUNE_INLINE Vec max(Vec a, Vec b) { return {vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v)}; }
ATTUNE_INLINE Vec sqrt(Vec a) { return {vsqrtq_f32(a.v)}; }
ATTUNE_INLINE Vec abs(Vec a) { return {vabsq_f32(a.v)}; }
ATTUNE_INLINE Vec negate(Vec a) { return {vnegq_f32(a.v)}; }
ATTUNE_INLINE Vec copy_sign(Vec magnitude, Vec sign) {
  return {vbslq_f32(vdupq_n_u32(0x80000000U), sign.v, magnitude.v)};
}
ATTUNE_INLINE Vec round(Vec a) { return {vrndnq_f32(a.v)}; }
/// a 2^n for whole n in [-250, 250]; overflow gives infinity, underflow subnormals and 0. Two factors,
/// because 2^n alone leaves the exponent's range before a 2^n does.
ATTUNE_INLINE Vec scale_by_power_of_two(Vec a, Vec n) {
  const int32x4_t whole = vcvtq_s32_f32(n.v);
  const int32x4_t half = vshrq_n_s32(whole, 1);
  const int32x4_t bias = vdupq_n_s32(127);
  const int32x4_t first = vshlq_n_s32(vaddq_s32(half, bias), 23);
  const int32x4_t second = vshlq_n_s32(vaddq_s32(vsubq_s32(whole, half), bias), 23);
  return {vmulq_f32(vmulq_f32(a.v, vreinterpretq_f32_s32(first)), vreinterpretq_f32_s32(second))};
}
/// 2^n of n + kPowerShift, n whole in [-127, 127]: 0 for -127.
ATTUNE_INLINE Vec power_of_two(Vec shifted) {
  return {vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(shifted.v), 23))};
}

ATTUNE_INLINE Mask less(Vec a, Vec b) { return {vcltq_f32(a.v, b.v)}; }
ATTUNE_INLINE Vec select(Mask mask, Vec a, Vec b) { return {vbslq_f32(mask.m, a.v, b.v)}; }

ATTUNE_INLINE float reduce_add(Vec a) { return vaddvq_f32(a.v); }
ATTUNE_INLINE float reduce_max(Vec a) { return vmaxvq_f32(a.v); }

/// rows[i][j] <-> rows[j][i]: pairs, then the 64-bit halves.
ATTUNE_INLINE void transpose(Vec (&rows)[4]) {
  const auto wide = [](float32x4_t pairs) { return vreinterpretq_f64_f32(pairs); };
  const float64x2_t even_low = wide(vtrn1q_f32(rows[0].v, rows[1].v));
  const float64x2_t odd_low = wide(vtrn2q_f32(rows[0].v, rows[1].v));
  const float64x2_t even_high = wide(vtrn1q_f32(rows[2].v, rows[3].v));
  const float64x2_t odd_high = wide(vtrn2q_f32(rows[2].v, rows[3].v));
  rows[0].v = vreinterpretq_f32_f64(vtrn1q_f64(even_low, even_high));
  rows[1].v = vreinterpretq_f32_f64(vtrn1q_f64(odd_low, odd_high));
  rows[2].v = vreinterpretq_f32_f64(vtrn2q_f64(even_low, even_high));
  rows[3].v = vreinterpretq_f32_f64(vtrn2q_f64(odd_low, odd_high));
}

ATTUNE_INLINE void prefetch(const void* p) { __builtin_prefetch(p); }
ATTUNE_INLINE void prefetch_second_level(const void* p) { __builtin_prefetch(p, 0, 2); }

}  // namespace attune::cpu::ATTUNE_ISA
