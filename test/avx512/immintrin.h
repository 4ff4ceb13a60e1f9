#pragma once

// AVX-512 for processors without it: stands before the compiler's own <immintrin.h> in the build of
// `npm run test:avx512`, and there alone. SIMDe makes the intrinsics of AVX2 instructions; what it lacks, or
// computes in another order than the processor, is defined here by Intel's manual.

#include_next <immintrin.h>

#include <cstdint>
#include <cstring>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512/abs.h>
#include <simde/x86/avx512/add.h>
#include <simde/x86/avx512/and.h>
#include <simde/x86/avx512/andnot.h>
#include <simde/x86/avx512/blend.h>
#include <simde/x86/avx512/cast.h>
#include <simde/x86/avx512/cmp.h>
#include <simde/x86/avx512/cvt.h>
#include <simde/x86/avx512/div.h>
#include <simde/x86/avx512/extract.h>
#include <simde/x86/avx512/fmadd.h>
#include <simde/x86/avx512/fnmadd.h>
#include <simde/x86/avx512/loadu.h>
#include <simde/x86/avx512/max.h>
#include <simde/x86/avx512/min.h>
#include <simde/x86/avx512/mul.h>
#include <simde/x86/avx512/or.h>
#include <simde/x86/avx512/permutexvar.h>
#include <simde/x86/avx512/reduce.h>
#include <simde/x86/avx512/roundscale.h>
#include <simde/x86/avx512/scalef.h>
#include <simde/x86/avx512/set1.h>
#include <simde/x86/avx512/set4.h>
#include <simde/x86/avx512/setzero.h>
#include <simde/x86/avx512/shuffle.h>
#include <simde/x86/avx512/slli.h>
#include <simde/x86/avx512/sqrt.h>
#include <simde/x86/avx512/srli.h>
#include <simde/x86/avx512/srlv.h>
#include <simde/x86/avx512/storeu.h>
#include <simde/x86/avx512/sub.h>
#include <simde/x86/avx512/unpackhi.h>
#include <simde/x86/avx512/unpacklo.h>
#include <simde/x86/avx512/xor.h>

namespace attune_test {

/// Halves, then halves of these: the order in which GCC and clang expand it.
inline float reduce_add(__m512 a) {
  const __m256 half =
      _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_castps512_ps256(_mm512_shuffle_f32x4(a, a, 0x4e)));
  const __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  const __m128 pair = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
}

/// VPMOVDW: the low half of every lane.
inline __m256i low_halves(__m512i a) {
  std::uint32_t lanes[16];
  std::uint16_t halves[16];
  std::memcpy(lanes, &a, sizeof lanes);
  for (int i = 0; i < 16; ++i) halves[i] = static_cast<std::uint16_t>(lanes[i]);
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves));
}

/// VPMOVSXBD, VPMOVZXBD: 16 bytes as 32-bit lanes.
template <class Byte>
inline __m512i widened(__m128i a) {
  Byte bytes[16];
  std::int32_t lanes[16];
  std::memcpy(bytes, &a, sizeof bytes);
  for (int i = 0; i < 16; ++i) lanes[i] = bytes[i];
  __m512i out;
  std::memcpy(&out, lanes, sizeof lanes);
  return out;
}

// Masked loads and stores touch no lane outside the mask. SIMDe's stores write zeros there.

/// VMOVUPS, VMOVDQU16 with a zeroing mask.
template <class Vector, class Lane, class Bits>
inline Vector load_masked(Bits mask, const void* from) {
  Lane lanes[sizeof(Vector) / sizeof(Lane)] = {};
  for (std::size_t i = 0; i < sizeof(Vector) / sizeof(Lane); ++i) {
    if ((mask >> i & 1U) != 0) std::memcpy(lanes + i, static_cast<const Lane*>(from) + i, sizeof(Lane));
  }
  Vector out;
  std::memcpy(&out, lanes, sizeof lanes);
  return out;
}

/// VMOVUPS, VMOVDQU16 to memory with a mask.
template <class Lane, class Vector, class Bits>
inline void store_masked(void* to, Bits mask, Vector a) {
  Lane lanes[sizeof(Vector) / sizeof(Lane)];
  std::memcpy(lanes, &a, sizeof lanes);
  for (std::size_t i = 0; i < sizeof(Vector) / sizeof(Lane); ++i) {
    if ((mask >> i & 1U) != 0) std::memcpy(static_cast<Lane*>(to) + i, lanes + i, sizeof(Lane));
  }
}

/// VCVTDQ2PS
inline __m512 to_floats(__m512i a) {
  std::int32_t lanes[16];
  float floats[16];
  std::memcpy(lanes, &a, sizeof lanes);
  for (int i = 0; i < 16; ++i) floats[i] = static_cast<float>(lanes[i]);
  return _mm512_loadu_ps(floats);
}

/// Subnormals become zeros of their sign.
inline float flush(float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  return (bits & 0x7f800000U) == 0 ? __builtin_bit_cast(float, bits & 0x80000000U) : value;
}

/// VDPBF16PS: the odd elements' product first, then the even ones', each addition rounded to nearest even
/// with the product exact; subnormal inputs and results are zeros.
inline __m512 dot_pairs(__m512 sum, __m512bh a, __m512bh b) {
  float sums[16];
  std::uint32_t left[16];
  std::uint32_t right[16];
  std::memcpy(sums, &sum, sizeof sums);
  std::memcpy(left, &a, sizeof left);
  std::memcpy(right, &b, sizeof right);
  for (int i = 0; i < 16; ++i) {
    const auto odd = [](std::uint32_t pair) { return flush(__builtin_bit_cast(float, pair & 0xffff0000U)); };
    const auto even = [](std::uint32_t pair) { return flush(__builtin_bit_cast(float, pair << 16)); };
    const float first = flush(__builtin_fmaf(odd(left[i]), odd(right[i]), flush(sums[i])));
    sums[i] = flush(__builtin_fmaf(even(left[i]), even(right[i]), first));
  }
  return _mm512_loadu_ps(sums);
}

/// AMX's eight tile registers, of whole tiles: 16 rows of 16 lanes.
struct Tiles {
  bool configured = false;
  std::uint32_t lanes[8][16][16];
};
inline thread_local Tiles tiles;

/// A thread that has not configured its tiles is stopped, as the processor would.
inline std::uint32_t (&tile(int index))[16][16] {
  if (!tiles.configured) __builtin_trap();
  return tiles.lanes[index];
}

/// LDTILECFG, of whole tiles alone.
inline void load_configuration(const void* from) {
  unsigned char bytes[64];
  std::memcpy(bytes, from, sizeof bytes);
  if (bytes[0] != 1 || bytes[1] != 0) __builtin_trap();
  for (int i = 0; i < 8; ++i) {
    if (bytes[16 + 2 * i] != 64 || bytes[17 + 2 * i] != 0 || bytes[48 + i] != 16) __builtin_trap();
  }
  std::memset(&tiles, 0, sizeof tiles);
  tiles.configured = true;
}

inline void load_tile(int to, const void* from, std::int64_t stride) {
  for (int i = 0; i < 16; ++i) std::memcpy(tile(to)[i], static_cast<const char*>(from) + i * stride, 64);
}
inline void store_tile(int from, void* to, std::int64_t stride) {
  for (int i = 0; i < 16; ++i) std::memcpy(static_cast<char*>(to) + i * stride, tile(from)[i], 64);
}

/// TDPBF16PS: even and odd elements are summed apart, in order, each addition rounded to nearest even with the
/// product exact; then both together, then to the sum. Subnormal inputs and results are zeros.
inline void multiply_tiles(int sum, int left, int right) {
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < 16; ++j) {
      float even = 0.0F;
      float odd = 0.0F;
      for (int k = 0; k < 16; ++k) {
        const std::uint32_t a = tile(left)[i][k];
        const std::uint32_t b = tile(right)[k][j];
        const auto high = [](std::uint32_t pair) { return flush(__builtin_bit_cast(float, pair & 0xffff0000U)); };
        const auto low = [](std::uint32_t pair) { return flush(__builtin_bit_cast(float, pair << 16)); };
        even = flush(__builtin_fmaf(low(a), low(b), even));
        odd = flush(__builtin_fmaf(high(a), high(b), odd));
      }
      const float before = flush(__builtin_bit_cast(float, tile(sum)[i][j]));
      tile(sum)[i][j] = __builtin_bit_cast(std::uint32_t, flush(before + flush(even + odd)));
    }
  }
}

}  // namespace attune_test

#undef _tile_loadconfig
#define _tile_loadconfig(from) attune_test::load_configuration(from)
#undef _tile_release
#define _tile_release() (attune_test::tiles.configured = false)
#undef _tile_zero
#define _tile_zero(tile_) std::memset(attune_test::tile(tile_), 0, 1024)
#undef _tile_loadd
#define _tile_loadd(tile_, from, stride) attune_test::load_tile(tile_, from, stride)
#undef _tile_stored
#define _tile_stored(tile_, to, stride) attune_test::store_tile(tile_, to, stride)
#undef _tile_dpbf16ps
#define _tile_dpbf16ps(sum, left, right) attune_test::multiply_tiles(sum, left, right)
#define _mm512_reduce_add_ps(a) attune_test::reduce_add(a)
#define _mm512_cvtepi32_epi16(a) attune_test::low_halves(a)
#undef _mm512_maskz_loadu_ps
#define _mm512_maskz_loadu_ps(mask, p) (attune_test::load_masked<__m512, float>(mask, p))
#undef _mm256_maskz_loadu_epi16
#define _mm256_maskz_loadu_epi16(mask, p) (attune_test::load_masked<__m256i, std::uint16_t>(mask, p))
#undef _mm512_maskz_loadu_epi16
#define _mm512_maskz_loadu_epi16(mask, p) (attune_test::load_masked<__m512i, std::uint16_t>(mask, p))
#undef _mm512_mask_storeu_ps
#define _mm512_mask_storeu_ps(p, mask, a) attune_test::store_masked<float>(p, mask, a)
#undef _mm256_mask_storeu_epi16
#define _mm256_mask_storeu_epi16(p, mask, a) attune_test::store_masked<std::uint16_t>(p, mask, a)
#undef _mm512_cvtepi8_epi32
#define _mm512_cvtepi8_epi32(a) attune_test::widened<std::int8_t>(a)
#undef _mm512_cvtepu8_epi32
#define _mm512_cvtepu8_epi32(a) attune_test::widened<std::uint8_t>(a)
#undef _mm512_cvtepi32_ps
#define _mm512_cvtepi32_ps(a) attune_test::to_floats(a)
#undef _mm512_dpbf16_ps
#define _mm512_dpbf16_ps(sum, a, b) attune_test::dot_pairs(sum, a, b)
