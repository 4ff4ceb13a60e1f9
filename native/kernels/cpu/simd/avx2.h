#pragma once

#include <immintrin.h>

namespace attune::cpu::ATTUNE_ISA {

struct Vec {
  static constexpr int kWidth = 8;
  static constexpr int kRegisters = 16;
  static constexpr bool kFmaReads = false;
  __m256 v;
};
struct Mask {
  __m256 m;
};

/// Lanes [0, count), count in [0, 8].
ATTUNE_INLINE __m256i first_lanes(std::int64_t count) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane);
}

ATTUNE_INLINE Vec zero() { return {_mm256_setzero_ps()}; }
ATTUNE_INLINE Vec broadcast(float value) { return {_mm256_set1_ps(value)}; }

ATTUNE_INLINE Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
ATTUNE_INLINE Vec load_partial(const float* p, std::int64_t count) {
  return {_mm256_maskload_ps(p, first_lanes(count))};
}
ATTUNE_INLINE void store(float* p, Vec a) { _mm256_storeu_ps(p, a.v); }
ATTUNE_INLINE void store_partial(float* p, Vec a, std::int64_t count) {
  _mm256_maskstore_ps(p, first_lanes(count), a.v);
}

ATTUNE_INLINE Vec widen(__m128i halves) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16))};
}
ATTUNE_INLINE __m128i narrow(Vec a) {
  const __m256i bits = _mm256_castps_si256(a.v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q));
  const __m256i halves = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
  return _mm_packus_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
}
ATTUNE_INLINE Vec load(const bfloat16* p) {
  return widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
ATTUNE_INLINE Vec load_partial(const bfloat16* p, std::int64_t count) {
  alignas(16) bfloat16 lanes[8] = {};
  for (std::int64_t i = 0; i < count; ++i) lanes[i] = p[i];
  return load(lanes);
}
ATTUNE_INLINE Vec load(const std::int8_t* p) {
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
}
ATTUNE_INLINE Vec look_up_nibbles(const std::uint8_t* p, const float* values) {
  std::int32_t four = 0;
  __builtin_memcpy(&four, p, sizeof(four));
  const __m128i bytes = _mm_cvtsi32_si128(four);
  const __m256i twice = _mm256_cvtepu8_epi32(_mm_unpacklo_epi8(bytes, bytes));
  const __m256i code = _mm256_srlv_epi32(twice, _mm256_setr_epi32(4, 0, 4, 0, 4, 0, 4, 0));
  // The permutation looks at three bits; the fourth, moved to the sign, picks the half.
  const __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(values), code);
  const __m256 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(values + 8), code);
  return {_mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(code, 28)))};
}
ATTUNE_INLINE void store(bfloat16* p, Vec a) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), narrow(a)); }
ATTUNE_INLINE void store_partial(bfloat16* p, Vec a, std::int64_t count) {
  alignas(16) bfloat16 lanes[8];
  store(lanes, a);
  for (std::int64_t i = 0; i < count; ++i) p[i] = lanes[i];
}

ATTUNE_INLINE Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
ATTUNE_INLINE Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
ATTUNE_INLINE Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
ATTUNE_INLINE Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
ATTUNE_INLINE Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
ATTUNE_INLINE Vec fma_element(const float* a, Vec b, Vec c) { return fma(broadcast(*a), b, c); }
ATTUNE_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
/// Both give b where either is NaN.
ATTUNE_INLINE Vec min(Vec a, Vec b) { return {_mm256_min_ps(a.v, b.v)}; }
ATTUNE_INLINE Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
ATTUNE_INLINE Vec sqrt(Vec a) { return {_mm256_sqrt_ps(a.v)}; }
ATTUNE_INLINE Vec abs(Vec a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0F), a.v)}; }
ATTUNE_INLINE Vec negate(Vec a) { return {_mm256_xor_ps(a.v, _mm256_set1_ps(-0.0F))}; }
ATTUNE_INLINE Vec copy_sign(Vec magnitude, Vec sign) {
  const __m256 bit = _mm256_set1_ps(-0.0F);
  return {_mm256_or_ps(_mm256_andnot_ps(bit, magnitude.v), _mm256_and_ps(bit, sign.v))};
}
ATTUNE_INLINE Vec round(Vec a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
/// a 2^n for whole n in [-250, 250]; overflow gives infinity, underflow subnormals and 0. Two factors,
/// because 2^n alone leaves the exponent's range before a 2^n does.
ATTUNE_INLINE Vec scale_by_power_of_two(Vec a, Vec n) {
  const __m256i whole = _mm256_cvtps_epi32(n.v);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i bias = _mm256_set1_epi32(127);
  const __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
  const __m256i second = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23);
  return {_mm256_mul_ps(_mm256_mul_ps(a.v, _mm256_castsi256_ps(first)), _mm256_castsi256_ps(second))};
}
/// 2^n of n + kPowerShift, n whole in [-127, 127]: 0 for -127.
ATTUNE_INLINE Vec power_of_two(Vec shifted) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(shifted.v), 23))};
}

ATTUNE_INLINE Mask less(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
ATTUNE_INLINE Vec select(Mask mask, Vec a, Vec b) { return {_mm256_blendv_ps(b.v, a.v, mask.m)}; }

ATTUNE_INLINE float reduce_add(Vec a) {
  const __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 pair = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
}
ATTUNE_INLINE float reduce_max(Vec a) {
  const __m128 quarter = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 pair = _mm_max_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_max_ss(pair, _mm_movehdup_ps(pair)));
}

/// rows[i][j] <-> rows[j][i]: pairs, then quadruples within 128 bits, then the 128-bit halves.
ATTUNE_INLINE void transpose(Vec (&rows)[8]) {
  __m256 a[8];
  __m256 b[8];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    a[2 * i] = _mm256_unpacklo_ps(rows[2 * i].v, rows[2 * i + 1].v);
    a[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i].v, rows[2 * i + 1].v);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    for (int half = 0; half < 2; ++half) {
      const __m256d low = _mm256_castps_pd(a[4 * i + half]);
      const __m256d high = _mm256_castps_pd(a[4 * i + 2 + half]);
      b[4 * i + 2 * half] = _mm256_castpd_ps(_mm256_unpacklo_pd(low, high));
      b[4 * i + 2 * half + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(low, high));
    }
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    rows[c].v = _mm256_permute2f128_ps(b[c], b[4 + c], 0x20);
    rows[4 + c].v = _mm256_permute2f128_ps(b[c], b[4 + c], 0x31);
  }
}

ATTUNE_INLINE void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }
ATTUNE_INLINE void prefetch_second_level(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1);
}

}  // namespace attune::cpu::ATTUNE_ISA
