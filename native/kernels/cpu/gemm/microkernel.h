#pragma once

#include "kernels/cpu/gemm/packing.h"

namespace attune::cpu::ATTUNE_ISA {

/// tile = or += a b. depth: steps; a: depth x rows, packed; b: depth x (vectors * kWidth), packed; tile: rows
/// x columns of a row stride of its own, columns <= vectors * kWidth.
using MicroKernel = void (*)(std::int64_t depth, const float* a, const float* b, float* tile,
                             std::int64_t tile_stride, std::int64_t columns, bool add);

/// The kernel for `rows` in [1, kTileRows] and `vectors` in [1, kTileVectors]. A table per kind of lane; AMX
/// tiles would be one more, with a packing of their own.
[[nodiscard]] MicroKernel microkernel(Lane lane, std::int64_t rows, std::int64_t vectors);

}  // namespace attune::cpu::ATTUNE_ISA
