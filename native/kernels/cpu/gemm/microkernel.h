#pragma once

#include "kernels/cpu/gemm/packing.h"

namespace attune::cpu::ATTUNE_ISA {

/// Floats a step that a kernel brings closer for the next one.
inline constexpr std::int64_t kAhead = 4;

/// tile = or += a b. depth: steps; a: depth x rows, packed, or `rows` rows of floats `a_stride` apart; b:
/// depth x (vectors * kWidth), packed, or `depth` rows of floats `b_stride` apart; tile: rows x columns of a
/// row stride of its own, columns <= vectors * kWidth. `ahead`: kAhead floats a step of what is multiplied
/// next, for the kernels that bring it closer meanwhile.
using MicroKernel = void (*)(std::int64_t depth, const float* a, std::int64_t a_stride, const float* b,
                             std::int64_t b_stride, float* tile, std::int64_t tile_stride,
                             std::int64_t columns, bool add, const float* ahead);

struct MicroKernelsOfRows {
  MicroKernel by_vectors[kTileVectors];
};

/// Kernels by rows, as many as panels of the lane have, and vectors, 1 to kTileVectors.
struct MicroKernels {
  MicroKernelsOfRows by_rows[kMostRows];

  [[nodiscard]] ATTUNE_INLINE MicroKernel of(std::int64_t rows, std::int64_t vectors) const {
    return by_rows[rows - 1].by_vectors[vectors - 1];
  }
};

/// A table per kind of lane and of operands. Pairs are always packed. `brings`: kernels that bring closer
/// what is packed, which costs them some percent.
[[nodiscard]] const MicroKernels& microkernels(Lane lane, Operands operands, bool brings);

/// What kernels do with a tile whose last vector is not whole: tile = or += sums (rows, vectors * kWidth).
/// Apart: its masks would take registers from the loop over the depth.
__attribute__((noinline)) void write_part(const float* sums, int rows, int vectors, float* tile,
                                          std::int64_t tile_stride, std::int64_t columns, bool add);

#if defined(ATTUNE_AMX)
/// Those of pairs, in AMX's tiles, which the thread has configured.
[[nodiscard]] const MicroKernels& amx_microkernels(bool brings);
#endif

}  // namespace attune::cpu::ATTUNE_ISA
