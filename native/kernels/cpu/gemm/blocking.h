#pragma once

#include "kernels/cpu/gemm/gemm.h"

namespace attune::cpu::ATTUNE_ISA {

// The micro tile: kTileRows x kTileColumns sums in registers, kTileVectors vectors wide. Each step of depth
// loads kTileVectors vectors of B, broadcasts one element of A per row, and does kTileRows * kTileVectors
// multiply-adds. Two vectors wide: one broadcast then feeds two multiply-adds, and the load ports stay idle
// half the time.
inline constexpr int kTileVectors = 2;
inline constexpr int kTileColumns = kTileVectors * Vec::kWidth;
// As many rows as registers allow: 32 registers hold 14 x 2 sums, 2 of B and a broadcast (AVX-512, NEON); 16
// hold 6 x 2, 2 and 1 (AVX2) or 4 x 2 and room for a compiler that needs more (portable).
inline constexpr int kTileRows = Vec::kRegisters == 32 ? 14 : (Vec::kWidth == 8 ? 6 : 4);

// Depth of one block, in steps (a step is two depths where a lane holds a pair of bfloat16). The panel of A
// (14 x 432 lanes, 24 KiB; AVX2: 6 x 392, 9 KiB) stays in the first-level cache while panels of B (AVX-512 54
// KiB, AVX2 24, NEON 14) stream past it from the second level; deeper blocks would push A out, shallower ones
// touch C more often. 432 and not 384, 392 and not 384: K = 768 k + a LoRA rank then needs no block more than
// 768 k does.
inline constexpr std::int64_t kDepthBlock = Vec::kWidth == 8 ? 392 : 432;

// Where B is one panel, it stays in the second-level cache at such a depth too: fewer blocks are fewer waits
// for the last thread.
inline constexpr std::int64_t kThinDepthBlock = 4 * kDepthBlock;
/// Up to this many rows B is read where it lies, if its rows do: 16 are three panels of AVX2.
inline constexpr std::int64_t kFewRows = 16;

// Rows and columns between two packings. A packed element is read N / 32 or M / 14 times, so these make
// packing a few percent of the work, and bound scratch: 3.5 and 5 MiB, and 24 MiB of float32 sums when C is
// bfloat16. 3072 columns: what leaves the wide layer of a model of 768 is one block.
inline constexpr std::int64_t kRowBlock = 2048;
inline constexpr std::int64_t kColumnBlock = 3072;

// One task: up to 4 x 8 micro tiles of 14 rows or 16 x 8 of fewer, about 50 us. The 8 panels of B (432 KiB;
// AVX2: 196 KiB, NEON 108) stay in the second-level cache from task to task, because tasks with the same
// columns follow one another.
inline constexpr std::int64_t kGroupRowPanels = kTileRows == 14 ? 4 : 16;
inline constexpr std::int64_t kGroupColumnPanels = 8;
// Fewer tasks than this and groups are made smaller: the last task keeps the other threads waiting, on
// average for half a task, which is 2 % of 48 tasks on two threads and 4 % on four.
inline constexpr std::int64_t kFewTasks = 48;

// From so many column panels on each task takes columns of its own for all rows (wide.cpp), two panels of B
// at least: A then streams past them from the third level at a few bytes a cycle. As long as A, packed whole,
// stays there: 12 MiB.
inline constexpr std::int64_t kWidePanels = 2 * kFewTasks;
inline constexpr std::int64_t kWideRows = (std::int64_t{3} << 20) / kDepthBlock;

/// Up to this many rows the product reads B once, where it lies (streaming.cpp) ...
inline constexpr std::int64_t kStreamingRows = 4;
/// ... and up to this many where B's columns are contiguous: packing would have to transpose them.
inline constexpr std::int64_t kStreamingDotRows = 16;

ATTUNE_INLINE constexpr std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Floats rounded up to whole cache lines: each part of scratch begins on one.
ATTUNE_INLINE std::int64_t whole_cache_lines(std::int64_t floats) { return ceil_divide(floats, 16) * 16; }

/// `total` cut in `parts` ranges whose lengths differ by at most one: no part is a mere remainder.
struct EvenSplit {
  std::int64_t total = 0;
  std::int64_t parts = 1;

  [[nodiscard]] ATTUNE_INLINE std::int64_t begin(std::int64_t part) const { return part * total / parts; }
  [[nodiscard]] ATTUNE_INLINE std::int64_t longest() const { return ceil_divide(total, parts); }
};

/// At least one part, so that a depth of 0 still writes bias and addend.
ATTUNE_INLINE EvenSplit split_by(std::int64_t total, std::int64_t longest) {
  const std::int64_t parts = ceil_divide(total, longest);
  return {total, parts < 1 ? 1 : parts};
}

/// How one block of rows x columns is cut into panels and tasks.
struct Tasks {
  EvenSplit row_panels;     ///< rows -> panels of at most kTileRows
  EvenSplit row_groups;     ///< row panels -> tasks
  EvenSplit column_groups;  ///< column panels (all kTileColumns wide but the last) -> tasks

  ATTUNE_INLINE Tasks(std::int64_t rows, std::int64_t columns) : row_panels(split_by(rows, kTileRows)) {
    const std::int64_t column_panels = ceil_divide(columns, kTileColumns);
    std::int64_t across = kGroupColumnPanels;
    std::int64_t down = kGroupRowPanels;
    for (;;) {
      row_groups = split_by(row_panels.parts, down);
      column_groups = split_by(column_panels, across);
      if (count() >= kFewTasks || (across == 1 && down == 1)) return;
      (across >= down && across > 1 ? across : down) /= 2;
    }
  }
  [[nodiscard]] ATTUNE_INLINE std::int64_t count() const { return row_groups.parts * column_groups.parts; }
};

}  // namespace attune::cpu::ATTUNE_ISA
