#pragma once

#include "kernels/cpu/gemm/blocking.h"

namespace attune::cpu::ATTUNE_ISA {

/// Depth [begin, end) of the products laid one behind the other: with two products a block may hold the end
/// of one and the start of the next, and the micro kernel never knows.
struct DepthRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  [[nodiscard]] ATTUNE_INLINE std::int64_t size() const { return end - begin; }
};

[[nodiscard]] std::int64_t total_depth(const Gemm& gemm);

/// Rows [row, row + count) of alpha A as (depth, count), count <= kTileRows.
void pack_a(const Gemm& gemm, DepthRange depth, std::int64_t row, std::int64_t count, float* out);

/// Columns [column, column + count) of B as (depth, padded), padded = count rounded up to whole vectors, the
/// rest 0.
void pack_b(const Gemm& gemm, DepthRange depth, std::int64_t column, std::int64_t count, float* out);

}  // namespace attune::cpu::ATTUNE_ISA
