// tile (rows, columns) = or += a^T b over a depth: rank-one updates of sums that never leave the registers.
// a: (depth, rows) packed, or rows of a matrix where it lies; b: (depth, vectors * width) packed, or rows of
// a matrix where it lies; tile: row-major float32. With pairs of bfloat16 a step is two depths: rank-two
// updates. One instance per number of rows, so that a last panel of 1..5 rows costs its own rows and not a
// full tile.

#include "kernels/cpu/gemm/microkernel.h"

#include <utility>

#if defined(ATTUNE_BF16_PAIRS)
#include "kernels/cpu/simd/avx512_bf16.h"
#endif

namespace attune::cpu::ATTUNE_ISA {
namespace {

template <Lane kLane>
ATTUNE_INLINE Vec multiply_add(Vec a, Vec b, Vec sum) {
#if defined(ATTUNE_BF16_PAIRS)
  if constexpr (kLane == Lane::bf16_pair) return dot_pairs(a, b, sum);
#endif
  return fma(a, b, sum);
}

// Rows of packed A whose multiply-adds read their element by themselves. One of three is broadcast: every
// multiply-add of a row reads it anew, and the processor loads no more than one at a time beside each.
constexpr bool reads_element(int row) { return Vec::kFmaReads && row % 3 != 0; }

// Steps of depth between two counts of the loop: where a step is few instructions, those for counting are a
// tenth of them, which a core shared with another program misses.
constexpr int kUnrolled = 4;

template <Lane kLane, Operands kOperands, bool kBrings, int kRows, int kVectors>
void multiply(std::int64_t depth, const float* __restrict a, [[maybe_unused]] std::int64_t a_stride,
              const float* __restrict b, [[maybe_unused]] std::int64_t b_stride, float* tile,
              std::int64_t tile_stride, std::int64_t columns, bool add, [[maybe_unused]] const float* ahead) {
  constexpr bool kDirectA = kOperands == Operands::a_where_it_lies;
  constexpr bool kDirectB = kOperands == Operands::b_where_it_lies;
  Vec sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    // The tile's memory comes while the sums are made: a store waits for it as a load does.
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      prefetch(tile + i * tile_stride + v * Vec::kWidth);
      sum[i][v] = zero();
    }
  }
#pragma GCC unroll kUnrolled
  for (std::int64_t k = 0; k < depth; ++k) {
    Vec row[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) row[v] = load(b + v * Vec::kWidth);
    // At every step, though four share a line: loops with one every fourth step were the slower ones.
    if constexpr (kBrings) {
      prefetch(ahead);
      ahead += kAhead;
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      if (!kDirectA && reads_element(i)) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sum[i][v] = fma_element(a + i, row[v], sum[i][v]);
        continue;
      }
      const Vec element = broadcast(kDirectA ? a[i * a_stride] : a[i]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[i][v] = multiply_add<kLane>(element, row[v], sum[i][v]);
    }
    a += kDirectA ? 1 : kRows;
    b += kDirectB ? b_stride : kVectors * Vec::kWidth;
  }
  if (columns == kVectors * Vec::kWidth) {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        float* out = tile + i * tile_stride + v * Vec::kWidth;
        store(out, add ? load(out) + sum[i][v] : sum[i][v]);
      }
    }
    return;
  }
  alignas(64) float sums[kRows * kVectors * Vec::kWidth];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(sums + (i * kVectors + v) * Vec::kWidth, sum[i][v]);
  }
  write_part(sums, kRows, kVectors, tile, tile_stride, columns, add);
}

template <Lane kLane, Operands kOperands, bool kBrings, int kRows, int... kVectorsMinusOne>
constexpr MicroKernelsOfRows make_row(std::integer_sequence<int, kVectorsMinusOne...>) {
  return {{multiply<kLane, kOperands, kBrings, kRows, kVectorsMinusOne + 1>...}};
}

template <Lane kLane, Operands kOperands, bool kBrings, int... kRowsMinusOne>
constexpr MicroKernels make_kernels(std::integer_sequence<int, kRowsMinusOne...>) {
  return {{make_row<kLane, kOperands, kBrings, kRowsMinusOne + 1>(
      std::make_integer_sequence<int, kTileVectors>{})...}};
}

template <Lane kLane, Operands kOperands, bool kBrings = false>
constexpr MicroKernels kKernels =
    make_kernels<kLane, kOperands, kBrings>(std::make_integer_sequence<int, kTileRows>{});

}  // namespace

void write_part(const float* sums, int rows, int vectors, float* tile, std::int64_t tile_stride,
                std::int64_t columns, bool add) {
  for (int i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; j += Vec::kWidth) {
      const std::int64_t left = columns - j;
      const std::int64_t count = left < Vec::kWidth ? left : Vec::kWidth;
      const Vec sum = load(sums + i * vectors * Vec::kWidth + j);
      float* out = tile + i * tile_stride + j;
      store_partial(out, add ? load_partial(out, count) + sum : sum, count);
    }
  }
}

const MicroKernels& microkernels([[maybe_unused]] Lane lane, Operands operands, bool brings) {
#if defined(ATTUNE_AMX)
  if (lane == Lane::bf16_pair) return amx_microkernels(brings);
#elif defined(ATTUNE_BF16_PAIRS)
  if (lane == Lane::bf16_pair) {
    return brings ? kKernels<Lane::bf16_pair, Operands::packed, true>
                  : kKernels<Lane::bf16_pair, Operands::packed>;
  }
#endif
  if (operands == Operands::a_where_it_lies) return kKernels<Lane::f32, Operands::a_where_it_lies>;
  if (operands == Operands::b_where_it_lies) return kKernels<Lane::f32, Operands::b_where_it_lies>;
  return brings ? kKernels<Lane::f32, Operands::packed, true> : kKernels<Lane::f32, Operands::packed>;
}

}  // namespace attune::cpu::ATTUNE_ISA
