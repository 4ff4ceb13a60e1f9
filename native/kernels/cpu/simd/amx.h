#pragma once

#include "kernels/cpu/simd/avx512_bf16.h"

// AMX: eight tile registers of 16 rows of 16 lanes of 32 bits each. Intel, Architecture Instruction Set
// Extensions Programming Reference, chapter 3. The matrix product alone includes this.

namespace attune::cpu::ATTUNE_ISA {

/// Rows of a tile register, and 32-bit lanes of a row.
inline constexpr int kAmxTile = 16;

/// What LDTILECFG reads.
struct alignas(64) AmxConfiguration {
  std::uint8_t palette;
  std::uint8_t start_row;
  std::uint8_t reserved[14];
  std::uint16_t row_bytes[16];
  std::uint8_t rows[16];
};

inline constexpr AmxConfiguration kWholeTiles = {.palette = 1,
                                                 .start_row = 0,
                                                 .reserved = {},
                                                 .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
                                                 .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

/// Gives the thread whole tile registers while it lives, if wanted. A thread that is not in it has none: the
/// system need not save them.
class TileConfiguration {
 public:
  ATTUNE_INLINE explicit TileConfiguration(bool wanted) : wanted_(wanted) {
    if (wanted_) _tile_loadconfig(&kWholeTiles);
  }
  ATTUNE_INLINE ~TileConfiguration() {
    if (wanted_) _tile_release();
  }
  TileConfiguration(const TileConfiguration&) = delete;
  TileConfiguration& operator=(const TileConfiguration&) = delete;
  TileConfiguration(TileConfiguration&&) = delete;
  TileConfiguration& operator=(TileConfiguration&&) = delete;

 private:
  bool wanted_;
};

/// Up to 2 x 2 tiles of sums, kDown of them below each other and kAcross beside each other, in registers 0 to
/// 3; 4 and 5 are for A, 6 and 7 for B. The numbers are part of the instructions.
template <int kDown, int kAcross>
struct AmxSums {
  static_assert(kDown >= 1 && kDown <= 2 && kAcross >= 1 && kAcross <= 2);

  static ATTUNE_INLINE void clear() {
    _tile_zero(0);
    if constexpr (kAcross == 2) _tile_zero(1);
    if constexpr (kDown == 2) _tile_zero(2);
    if constexpr (kDown == 2 && kAcross == 2) _tile_zero(3);
  }
  /// `stride` floats between rows. After before_loads().
  static ATTUNE_INLINE void load(const float* sums, std::int64_t stride) {
    const std::int64_t bytes = stride * 4;
    const float* const below = sums + kAmxTile * stride;
    _tile_loadd(0, sums, bytes);
    if constexpr (kAcross == 2) _tile_loadd(1, sums + kAmxTile, bytes);
    if constexpr (kDown == 2) _tile_loadd(2, below, bytes);
    if constexpr (kDown == 2 && kAcross == 2) _tile_loadd(3, below + kAmxTile, bytes);
  }
  static ATTUNE_INLINE void store(float* sums, std::int64_t stride) {
    const std::int64_t bytes = stride * 4;
    float* const below = sums + kAmxTile * stride;
    _tile_stored(0, sums, bytes);
    if constexpr (kAcross == 2) _tile_stored(1, sums + kAmxTile, bytes);
    if constexpr (kDown == 2) _tile_stored(2, below, bytes);
    if constexpr (kDown == 2 && kAcross == 2) _tile_stored(3, below + kAmxTile, bytes);
  }
  /// += A B over 16 lanes of pairs of bfloat16 each. a: 16 kDown rows of 16 lanes, `a_stride` lanes apart;
  /// b: 16 rows of 16 kAcross lanes, one behind the other. As vdpbf16ps it takes subnormals for 0, but sums
  /// even and odd elements apart and adds both to the sum: 2 more roundings for 32 products. After
  /// before_loads().
  static ATTUNE_INLINE void add_products(const float* a, std::int64_t a_stride, const float* b) {
    const std::int64_t a_bytes = a_stride * 4;
    constexpr std::int64_t kBytes = kAcross * kAmxTile * std::int64_t{4};
    _tile_loadd(6, b, kBytes);
    _tile_loadd(4, a, a_bytes);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (kAcross == 2) {
      _tile_loadd(7, b + kAmxTile, kBytes);
      _tile_dpbf16ps(1, 4, 7);
    }
    if constexpr (kDown == 2) {
      _tile_loadd(5, a + kAmxTile * a_stride, a_bytes);
      _tile_dpbf16ps(2, 5, 6);
    }
    if constexpr (kDown == 2 && kAcross == 2) _tile_dpbf16ps(3, 5, 7);
  }
  /// What was written to memory is there when a tile register is loaded from it: GCC is not told that the
  /// instruction reads memory.
  static ATTUNE_INLINE void before_loads() { asm volatile("" ::: "memory"); }
};

}  // namespace attune::cpu::ATTUNE_ISA
