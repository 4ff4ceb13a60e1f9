#pragma once

// GCC 12 takes its own _mm512_undefined_ps (`__m512 y = y`) for an uninitialised variable wherever it is
// inlined.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#else
#include <immintrin.h>
#endif

namespace attune::cpu::ATTUNE_ISA {

struct Vec {
  static constexpr int kWidth = 16;
  static constexpr int kRegisters = 32;
  /// Not beside pairs of bfloat16, which are chosen on AMD alone: a Zen 4 loads one vector while it does one
  /// multiply-add.
#if defined(ATTUNE_BF16_PAIRS) && !defined(ATTUNE_AMX)
  static constexpr bool kFmaReads = false;
#else
  static constexpr bool kFmaReads = true;
#endif
  __m512 v;
};
struct Mask {
  __mmask16 m;
};

/// Lanes [0, count), count in [0, 16].
ATTUNE_INLINE __mmask16 first_lanes(std::int64_t count) {
  return static_cast<__mmask16>(_bzhi_u32(0xffffU, static_cast<unsigned>(count)));
}

ATTUNE_INLINE Vec zero() { return {_mm512_setzero_ps()}; }
ATTUNE_INLINE Vec broadcast(float value) { return {_mm512_set1_ps(value)}; }

ATTUNE_INLINE Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
ATTUNE_INLINE Vec load_partial(const float* p, std::int64_t count) {
  return {_mm512_maskz_loadu_ps(first_lanes(count), p)};
}
ATTUNE_INLINE void store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
ATTUNE_INLINE void store_partial(float* p, Vec a, std::int64_t count) {
  _mm512_mask_storeu_ps(p, first_lanes(count), a.v);
}

/// Lanes 0 to 7 and 8 to 15.
ATTUNE_INLINE void store_halves(float* low, float* high, Vec a) {
  _mm256_storeu_ps(low, _mm512_castps512_ps256(a.v));
  _mm256_storeu_ps(high, _mm512_extractf32x8_ps(a.v, 1));
}

ATTUNE_INLINE Vec widen(__m256i halves) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16))};
}
/// Not vcvtneps2bf16 where that exists: it flushes subnormals, and the bits must not depend on the
/// instruction set.
ATTUNE_INLINE __m256i narrow(Vec a) {
  const __m512i bits = _mm512_castps_si512(a.v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __mmask16 nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
  rounded = _mm512_mask_or_epi32(rounded, nan, bits, _mm512_set1_epi32(0x400000));
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16));
}
ATTUNE_INLINE Vec load(const bfloat16* p) {
  return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
ATTUNE_INLINE Vec load_partial(const bfloat16* p, std::int64_t count) {
  return widen(_mm256_maskz_loadu_epi16(first_lanes(count), p));
}
ATTUNE_INLINE Vec load(const std::int8_t* p) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}
ATTUNE_INLINE Vec look_up_nibbles(const std::uint8_t* p, const float* values) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  const __m512i twice = _mm512_cvtepu8_epi32(_mm_unpacklo_epi8(bytes, bytes));
  const __m512i shift = _mm512_set4_epi32(0, 4, 0, 4);
  // The permutation looks at the four low bits alone.
  return {_mm512_permutexvar_ps(_mm512_srlv_epi32(twice, shift), _mm512_loadu_ps(values))};
}
ATTUNE_INLINE void store(bfloat16* p, Vec a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow(a));
}
ATTUNE_INLINE void store_partial(bfloat16* p, Vec a, std::int64_t count) {
  _mm256_mask_storeu_epi16(p, first_lanes(count), narrow(a));
}

ATTUNE_INLINE Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
ATTUNE_INLINE Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
ATTUNE_INLINE Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
ATTUNE_INLINE Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
ATTUNE_INLINE Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
/// The compiler would broadcast into a register for two uses: two instructions for a first multiply-add.
ATTUNE_INLINE Vec fma_element(const float* a, Vec b, Vec c) {
#if defined(__AVX512F__)
  asm("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(c.v) : "v"(b.v), "m"(*a));
  return c;
#else  // made of other instructions, for tests
  return fma(broadcast(*a), b, c);
#endif
}
ATTUNE_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
/// Both give b where either is NaN.
ATTUNE_INLINE Vec min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
ATTUNE_INLINE Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
ATTUNE_INLINE Vec sqrt(Vec a) { return {_mm512_sqrt_ps(a.v)}; }
ATTUNE_INLINE Vec abs(Vec a) { return {_mm512_abs_ps(a.v)}; }
ATTUNE_INLINE Vec negate(Vec a) { return {_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0F))}; }
ATTUNE_INLINE Vec copy_sign(Vec magnitude, Vec sign) {
  const __m512 bit = _mm512_set1_ps(-0.0F);
  return {_mm512_or_ps(_mm512_andnot_ps(bit, magnitude.v), _mm512_and_ps(bit, sign.v))};
}
ATTUNE_INLINE Vec round(Vec a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
/// a 2^n for whole n; overflow gives infinity, underflow subnormals and 0.
ATTUNE_INLINE Vec scale_by_power_of_two(Vec a, Vec n) { return {_mm512_scalef_ps(a.v, n.v)}; }
/// 2^n of n + kPowerShift, n whole in [-127, 127]: 0 for -127.
ATTUNE_INLINE Vec power_of_two(Vec shifted) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(shifted.v), 23))};
}

ATTUNE_INLINE Mask less(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
ATTUNE_INLINE Vec select(Mask mask, Vec a, Vec b) { return {_mm512_mask_blend_ps(mask.m, b.v, a.v)}; }

ATTUNE_INLINE float reduce_add(Vec a) { return _mm512_reduce_add_ps(a.v); }
/// The sums of sixteen vectors, each in the order of the other reduce_add: lane 4 r + c is that of (r, c).
ATTUNE_INLINE Vec reduce_add(const Vec (&vectors)[4][4]) {
  __m512 halves[4][2];
  __m512 quarters[4];
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
      const __m512 a = vectors[2 * i][c].v;
      const __m512 b = vectors[2 * i + 1][c].v;
      halves[c][i] = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
    }
    quarters[c] = _mm512_add_ps(_mm512_shuffle_f32x4(halves[c][0], halves[c][1], 0x88),
                                _mm512_shuffle_f32x4(halves[c][0], halves[c][1], 0xdd));
  }
  // quarters[c] holds four lanes of row r in its 128-bit part r.
  __m512 pairs[2];
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const __m512 a = quarters[2 * i];
    const __m512 b = quarters[2 * i + 1];
    pairs[i] = _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee));
  }
  return {_mm512_add_ps(_mm512_shuffle_ps(pairs[0], pairs[1], 0x88),
                        _mm512_shuffle_ps(pairs[0], pairs[1], 0xdd))};
}
ATTUNE_INLINE float reduce_max(Vec a) { return _mm512_reduce_max_ps(a.v); }

/// Pairs of rows, then quadruples within 128 bits: out[4 i + c] holds, in 128-bit part q, column 4 q + c of
/// rows 4 i .. 4 i + 3.
template <int kRows>
ATTUNE_INLINE void transpose_quadruples(const Vec (&rows)[kRows], __m512 (&out)[kRows]) {
  __m512 a[kRows];
#pragma GCC unroll 8
  for (int i = 0; i < kRows / 2; ++i) {
    a[2 * i] = _mm512_unpacklo_ps(rows[2 * i].v, rows[2 * i + 1].v);
    a[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i].v, rows[2 * i + 1].v);
  }
#pragma GCC unroll 4
  for (int i = 0; i < kRows / 4; ++i) {
    for (int half = 0; half < 2; ++half) {
      const __m512d low = _mm512_castps_pd(a[4 * i + half]);
      const __m512d high = _mm512_castps_pd(a[4 * i + 2 + half]);
      out[4 * i + 2 * half] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
      out[4 * i + 2 * half + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
    }
  }
}

/// rows[i][j] <-> rows[j][i].
ATTUNE_INLINE void transpose(Vec (&rows)[16]) {
  __m512 b[16];
  transpose_quadruples(rows, b);
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    const __m512 even_low = _mm512_shuffle_f32x4(b[c], b[4 + c], 0x88);
    const __m512 odd_low = _mm512_shuffle_f32x4(b[c], b[4 + c], 0xdd);
    const __m512 even_high = _mm512_shuffle_f32x4(b[8 + c], b[12 + c], 0x88);
    const __m512 odd_high = _mm512_shuffle_f32x4(b[8 + c], b[12 + c], 0xdd);
    rows[c].v = _mm512_shuffle_f32x4(even_low, even_high, 0x88);
    rows[8 + c].v = _mm512_shuffle_f32x4(even_low, even_high, 0xdd);
    rows[4 + c].v = _mm512_shuffle_f32x4(odd_low, odd_high, 0x88);
    rows[12 + c].v = _mm512_shuffle_f32x4(odd_low, odd_high, 0xdd);
  }
}

/// Eight rows -> eight vectors, each of two of their sixteen columns, one behind the other.
ATTUNE_INLINE void transpose(Vec (&rows)[8]) {
  __m512 b[8];
  transpose_quadruples(rows, b);
#pragma GCC unroll 2
  for (int c = 0; c < 4; c += 2) {
    const __m512 low = _mm512_shuffle_f32x4(b[c], b[4 + c], 0x44);
    const __m512 next_low = _mm512_shuffle_f32x4(b[c + 1], b[5 + c], 0x44);
    const __m512 high = _mm512_shuffle_f32x4(b[c], b[4 + c], 0xee);
    const __m512 next_high = _mm512_shuffle_f32x4(b[c + 1], b[5 + c], 0xee);
    rows[c / 2].v = _mm512_shuffle_f32x4(low, next_low, 0x88);
    rows[2 + c / 2].v = _mm512_shuffle_f32x4(low, next_low, 0xdd);
    rows[4 + c / 2].v = _mm512_shuffle_f32x4(high, next_high, 0x88);
    rows[6 + c / 2].v = _mm512_shuffle_f32x4(high, next_high, 0xdd);
  }
}

ATTUNE_INLINE void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }
ATTUNE_INLINE void prefetch_second_level(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1);
}

}  // namespace attune::cpu::ATTUNE_ISA
