#pragma once

#include "kernels/cpu/gemm/blocking.h"

namespace attune::cpu::ATTUNE_ISA {

/// tile = or += a b. a: depth x rows, packed; b: depth x (vectors * kWidth), packed; tile: rows x columns of
/// a row stride of its own, columns <= vectors * kWidth.
using MicroKernel = void (*)(std::int64_t depth, const float* a, const float* b, float* tile,
                             std::int64_t tile_stride, std::int64_t columns, bool add);

/// The kernel for `rows` in [1, kTileRows] and `vectors` in [1, kTileVectors]. Other kernels (vdpbf16ps, AMX
/// tiles) would be another table here, with a packing of their own. There is none for vdpbf16ps: on Sapphire
/// Rapids it does half the multiply-adds per second of the float32 one (175 against 347 GFLOP/s on two
/// cores), so bfloat16 is widened when it is packed, and runs as fast as float32.
[[nodiscard]] MicroKernel microkernel(std::int64_t rows, std::int64_t vectors);

}  // namespace attune::cpu::ATTUNE_ISA
