#pragma once

#include "kernels/cpu/gemm/blocking.h"

namespace attune::cpu::ATTUNE_ISA {

/// What one 32-bit lane of a packed panel holds: a float, or bfloat16 of two depths (avx512_bf16 and
/// avx512_amx).
enum class Lane : std::uint8_t { f32, bf16_pair };

/// How panels of such lanes are cut.
struct PanelCut {
  std::int64_t rows;        ///< most rows of a panel of A
  std::int64_t row_unit;    ///< a panel of A has whole units of rows: those that A has not are 0
  std::int64_t depth_unit;  ///< a block has whole units of steps, with zeros too
  std::int64_t depth_block;
  std::int64_t group;  ///< panels of A that a task packs and multiplies at a time
};

#if defined(ATTUNE_AMX)
/// Most rows of any panel.
inline constexpr std::int64_t kMostRows = 32;
/// Two tiles of 16 rows, of 16 steps each. Of panels that are 256 deep (32 KiB) one stays in the first level
/// while others pass: both from the second would be 64 bytes a clock, all that it gives.
ATTUNE_INLINE constexpr PanelCut panel_cut(Lane lane) {
  if (lane == Lane::bf16_pair)
    return {.rows = kMostRows, .row_unit = 16, .depth_unit = 16, .depth_block = 256, .group = 4};
  return {kTileRows, 1, 1, kDepthBlock, kGroupRowPanels};
}
#else
inline constexpr std::int64_t kMostRows = kTileRows;
ATTUNE_INLINE constexpr PanelCut panel_cut(Lane /*lane*/) {
  return {kTileRows, 1, 1, kDepthBlock, kGroupRowPanels};
}
#endif

/// Rows of A as they are packed.
[[nodiscard]] ATTUNE_INLINE std::int64_t packed_rows(const Gemm& gemm, Lane lane) {
  const std::int64_t unit = panel_cut(lane).row_unit;
  return ceil_divide(gemm.rows, unit) * unit;
}

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
[[nodiscard]] ATTUNE_INLINE std::int64_t kept_lanes(const Gemm& gemm, Lane lane, std::int64_t depth) {
  const std::int64_t across = gemm.kept.factor == KeptPanels::Factor::a
                                  ? packed_rows(gemm, lane)
                                  : ceil_divide(gemm.columns, kTileColumns) * kTileColumns;
  return across * depth;
}

/// Where panels of a block of depth lie among those that are kept, from a row of A or a column of B on:
/// behind all of the depth before it.
[[nodiscard]] ATTUNE_INLINE std::int64_t kept_offset(const Gemm& gemm, Lane lane, DepthRange depth,
                                                     std::int64_t from) {
  return kept_lanes(gemm, lane, depth.begin) + from * depth.size();
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

/// Rows of A in such a panel.
[[nodiscard]] ATTUNE_INLINE std::int64_t rows_of(const Gemm& gemm, std::int64_t row, const EvenSplit& split,
                                                 std::int64_t panel) {
  const std::int64_t end = split.begin(panel + 1);
  const std::int64_t rows = gemm.rows - row;
  return (end < rows ? end : rows) - split.begin(panel);
}

/// Panels of alpha A, one behind the other, each as (steps, its rows). Products before `first` are there.
/// With AMX panels of pairs are (its rows, steps).
void pack_a(const Gemm& gemm, Lane lane, DepthRange depth, const RowPanels& rows, float* out, int first);

/// Columns [column, column + columns) of B in panels of kTileColumns, one behind the other, each as (steps,
/// padded): its columns rounded up to whole vectors, the rest 0. Where A is read where it lies, alpha B.
/// Products before `first` are there.
void pack_b(const Gemm& gemm, Lane lane, DepthRange depth, std::int64_t column, std::int64_t columns,
            float* out, int first);

}  // namespace attune::cpu::ATTUNE_ISA
