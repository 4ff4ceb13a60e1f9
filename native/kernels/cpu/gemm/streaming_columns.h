#pragma once

#include "kernels/cpu/gemm/streaming_way.h"

namespace attune::cpu::ATTUNE_ISA {

/// sums (M, columns), kStreamingColumns apart, += a times columns [column, column + columns) of B, which are
/// contiguous. `unpacked`: kStreams times the depth, where B must be unpacked (lines.h).
void add_dots(const Rows& a, const Product& product, std::int64_t column, std::int64_t columns,
              float* unpacked, float* sums);

}  // namespace attune::cpu::ATTUNE_ISA
