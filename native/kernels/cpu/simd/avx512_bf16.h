#pragma once

#include "kernels/cpu/simd.h"

// Pairs of bfloat16, for the one build that multiplies them: 16 lanes of 32 bits, each with an even element
// in its low half and an odd one in its high half. A Vec carries them; its floats then mean nothing, and only
// these functions and moves of whole lanes (load, store, broadcast, transpose) may touch it. The matrix
// product alone includes this.

namespace attune::cpu::ATTUNE_ISA {

/// Elements [0, count) in memory order, count in [0, 32]; the rest 0.
ATTUNE_INLINE Vec load_pairs(const bfloat16* p, std::int64_t count) {
  const auto mask = static_cast<__mmask32>(_bzhi_u32(0xffffffffU, static_cast<unsigned>(count)));
  return {_mm512_castsi512_ps(_mm512_maskz_loadu_epi16(mask, p))};
}

ATTUNE_INLINE Vec load_pairs(const bfloat16* p) { return {_mm512_loadu_ps(p)}; }

ATTUNE_INLINE Vec load_pairs(const bfloat16* even, const bfloat16* odd) {
  const __m512i low = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(even)));
  const __m512i high = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(odd)));
  return {_mm512_castsi512_ps(_mm512_or_si512(low, _mm512_slli_epi32(high, 16)))};
}

/// even[i] with odd[i] for i < count, count in [0, 16]; the rest 0. `odd` may be null: zeros.
ATTUNE_INLINE Vec load_pairs(const bfloat16* even, const bfloat16* odd, std::int64_t count) {
  const __mmask16 mask = first_lanes(count);
  __m512i pairs = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, even));
  if (odd != nullptr) {
    const __m512i high = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, odd));
    pairs = _mm512_or_si512(pairs, _mm512_slli_epi32(high, 16));
  }
  return {_mm512_castsi512_ps(pairs)};
}

/// Both elements times a power of two, which is exact, but for subnormals: those dot_pairs takes for 0.
ATTUNE_INLINE Vec scale_pairs(Vec pairs, Vec power_of_two) {
  const __m512i bits = _mm512_castps_si512(pairs.v);
  const __m512i high_half = _mm512_set1_epi32(static_cast<int>(0xffff0000U));
  const __m512 even = _mm512_mul_ps(_mm512_castsi512_ps(_mm512_slli_epi32(bits, 16)), power_of_two.v);
  const __m512 odd = _mm512_mul_ps(_mm512_castsi512_ps(_mm512_and_si512(bits, high_half)), power_of_two.v);
  return {_mm512_castsi512_ps(_mm512_or_si512(_mm512_srli_epi32(_mm512_castps_si512(even), 16),
                                              _mm512_and_si512(_mm512_castps_si512(odd), high_half)))};
}

/// sum + a.odd b.odd + a.even b.even per lane, vdpbf16ps. A product of two bfloat16 is exact in float32
/// (8 + 8 bits), so each of the two additions rounds once, to nearest even, as a fused one does. Unlike fma
/// it takes subnormal inputs for 0 and flushes subnormal results to 0, whatever MXCSR says.
ATTUNE_INLINE Vec dot_pairs(Vec a, Vec b, Vec sum) {
  return {_mm512_dpbf16_ps(sum.v, __builtin_bit_cast(__m512bh, a.v), __builtin_bit_cast(__m512bh, b.v))};
}

}  // namespace attune::cpu::ATTUNE_ISA
