// tile (rows, columns) = or += a b over a depth, in AMX's tiles: up to 32 x 32 sums in four of them.
// a: (rows rounded up to 16, depth) packed; b: (depth, vectors * 16) packed; both pairs of bfloat16, depth a
// multiple of 16. tile: row-major float32.

#include "kernels/cpu/gemm/microkernel.h"

#if defined(ATTUNE_AMX)

#include <utility>

#include "kernels/cpu/simd/amx.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

static_assert(kMostRows == 2 * kAmxTile && kTileColumns == 2 * kAmxTile);

template <bool kBrings, int kDown, int kAcross>
__attribute__((noinline)) void multiply_whole(std::int64_t depth, const float* a, const float* b, float* tile,
                                              std::int64_t tile_stride, bool add,
                                              [[maybe_unused]] const float* ahead) {
  using Sums = AmxSums<kDown, kAcross>;
  Sums::before_loads();
  if (add) {
    Sums::load(tile, tile_stride);
  } else {
    Sums::clear();
  }
  for (std::int64_t k = 0; k < depth; k += kAmxTile) {
    if constexpr (kBrings) {
      for (int line = 0; line < kAhead; ++line) prefetch(ahead + line * kAmxTile);
      ahead += kAhead * kAmxTile;
    }
    Sums::add_products(a + k, depth, b + k * kAcross * kAmxTile);
  }
  Sums::store(tile, tile_stride);
}

/// A tile of C that is not whole is summed beside it, from what C holds on: the same bits.
template <bool kBrings, int kDown, int kAcross>
__attribute__((noinline)) void multiply_part(std::int64_t depth, const float* a, const float* b, float* tile,
                                             std::int64_t tile_stride, std::int64_t rows,
                                             std::int64_t columns, bool add, const float* ahead) {
  constexpr std::int64_t kStride = kAcross * kAmxTile;
  alignas(64) float sums[kDown * kAmxTile * kStride] = {};
  for (std::int64_t i = 0; add && i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; j += Vec::kWidth) {
      const std::int64_t count = columns - j < Vec::kWidth ? columns - j : Vec::kWidth;
      store(sums + i * kStride + j, load_partial(tile + i * tile_stride + j, count));
    }
  }
  multiply_whole<kBrings, kDown, kAcross>(depth, a, b, sums, kStride, add, ahead);
  write_part(sums, static_cast<int>(rows), kAcross, tile, tile_stride, columns, false);
}

template <bool kBrings, int kRows, int kAcross>
void multiply(std::int64_t depth, const float* __restrict a, std::int64_t /*a_stride*/,
              const float* __restrict b, std::int64_t /*b_stride*/, float* tile, std::int64_t tile_stride,
              std::int64_t columns, bool add, const float* ahead) {
  constexpr int kDown = kRows > kAmxTile ? 2 : 1;
  if (kRows == kDown * kAmxTile && columns == kAcross * kAmxTile) {
    multiply_whole<kBrings, kDown, kAcross>(depth, a, b, tile, tile_stride, add, ahead);
  } else {
    multiply_part<kBrings, kDown, kAcross>(depth, a, b, tile, tile_stride, kRows, columns, add, ahead);
  }
}

template <bool kBrings, int... kRowsMinusOne>
constexpr MicroKernels make_kernels(std::integer_sequence<int, kRowsMinusOne...>) {
  return {{{{multiply<kBrings, kRowsMinusOne + 1, 1>, multiply<kBrings, kRowsMinusOne + 1, 2>}}...}};
}

template <bool kBrings>
constexpr MicroKernels kKernels = make_kernels<kBrings>(std::make_integer_sequence<int, kMostRows>{});

}  // namespace

const MicroKernels& amx_microkernels(bool brings) { return brings ? kKernels<true> : kKernels<false>; }

}  // namespace attune::cpu::ATTUNE_ISA

#endif
