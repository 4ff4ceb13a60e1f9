#pragma once

#include "kernels/cpu/gemm/blocking.h"

namespace attune::cpu::ATTUNE_ISA {

/// What one 32-bit lane of a packed panel holds: a float, or bfloat16 of two depths (avx512_bf16 alone).
enum class Lane : std::uint8_t { f32, bf16_pair };

/// Pairs where all operands are bfloat16 and this build multiplies pairs. Each alpha must then be a power of
/// two (1, and most LoRA scales): it is folded into A's bfloat16, and any other would round them, so a call
/// with another alpha widens to float32.
[[nodiscard]] Lane choose_lane(const Gemm& gemm);

/// Which operand the micro kernel reads where it lies. Packing an operand costs as much as multiplying it by
/// a few rows or columns, so beside a thin one (LoRA's ranks) the large one is not packed.
enum class Operands : std::uint8_t { packed, a_where_it_lies, b_where_it_lies };
[[nodiscard]] Operands choose_operands(const Gemm& gemm, Lane lane);

/// Steps [begin, end) of the products laid one behind the other: with two products a block may hold the end
/// of one and the start of the next, and the micro kernel never knows. A step is as much depth as a lane
/// holds; a product of odd depth in pairs ends in a step whose second half is 0.
struct DepthRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  [[nodiscard]] ATTUNE_INLINE std::int64_t size() const { return end - begin; }
};

/// Steps of all products.
[[nodiscard]] std::int64_t total_depth(const Gemm& gemm, Lane lane);

/// Longest depth of a block.
[[nodiscard]] std::int64_t depth_block(const Gemm& gemm, Lane lane);

/// Lanes of the factor that is kept, where `depth` steps of it are packed.
[[nodiscard]] ATTUNE_INLINE std::int64_t kept_lanes(const Gemm& gemm, std::int64_t depth) {
  const std::int64_t across = gemm.kept.factor == KeptPanels::Factor::a
                                  ? gemm.rows
                                  : ceil_divide(gemm.columns, kTileColumns) * kTileColumns;
  return across * depth;
}

/// Where panels of a block of depth lie among those that are kept, from a row of A or a column of B on:
/// behind all of the depth before it.
[[nodiscard]] ATTUNE_INLINE std::int64_t kept_offset(const Gemm& gemm, DepthRange depth, std::int64_t from) {
  return kept_lanes(gemm, depth.begin) + from * depth.size();
}

/// Where an element of float32 lies.
[[nodiscard]] ATTUNE_INLINE const float* element(const Matrix& matrix, std::int64_t row,
                                                 std::int64_t column) {
  return static_cast<const float*>(matrix.data) + row * matrix.row_stride + column * matrix.column_stride;
}

/// Panels [begin, end) of rows of A. `split` counts rows from `row` on.
struct RowPanels {
  std::int64_t row = 0;
  EvenSplit split;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// Panels of alpha A, one behind the other, each as (steps, its rows), at most kTileRows. Products before
/// `first` are there.
void pack_a(const Gemm& gemm, Lane lane, DepthRange depth, const RowPanels& rows, float* out, int first);

/// Columns [column, column + columns) of B in panels of kTileColumns, one behind the other, each as (steps,
/// padded): its columns rounded up to whole vectors, the rest 0. Where A is read where it lies, alpha B.
/// Products before `first` are there.
void pack_b(const Gemm& gemm, Lane lane, DepthRange depth, std::int64_t column, std::int64_t columns,
            float* out, int first);

}  // namespace attune::cpu::ATTUNE_ISA
