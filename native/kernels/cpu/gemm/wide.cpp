// C (M, N) where N is large: pack A (all threads), then for each group of columns (one task):
//   for each block of depth: pack B's columns, then micro tiles with all panels of A

#include "kernels/cpu/gemm/wide.h"

#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/gemm/micro_tile.h"
#include "kernels/cpu/gemm/packing.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

using Factor = KeptPanels::Factor;

/// Sizes, and 32-bit lanes in scratch.
struct Layout {
  Lane lane;
  EvenSplit depths;
  EvenSplit row_panels;
  EvenSplit column_groups;  ///< column panels -> tasks
  std::int64_t packed_a;
  std::int64_t panels;  ///< of B, of one thread
  std::int64_t sums;    ///< of one thread

  explicit Layout(const Gemm& gemm)
      : lane(choose_lane(gemm)),
        depths(split_by(total_depth(gemm, lane), kDepthBlock)),
        row_panels(split_by(gemm.rows, kTileRows)),
        column_groups(split_into_groups(ceil_divide(gemm.columns, kTileColumns))),
        packed_a(gemm.kept.factor == Factor::a ? 0 : whole_cache_lines(gemm.rows * depths.total)),
        panels(gemm.kept.factor == Factor::b
                   ? 0
                   : whole_cache_lines(column_groups.longest() * kTileColumns * depths.longest())),
        sums(gemm.c_dtype != DType::f32 && depths.parts > 1
                 ? whole_cache_lines(gemm.rows * column_groups.longest() * kTileColumns)
                 : 0) {}

  /// As many columns a task as stay hot, and enough tasks for the threads to end together.
  static EvenSplit split_into_groups(std::int64_t column_panels) {
    const std::int64_t across = column_panels / kFewTasks;
    return split_by(column_panels, across < kGroupColumnPanels ? across : kGroupColumnPanels);
  }
};

RowPanel row_panel(const Layout& layout, const float* packed_a, std::int64_t panel, std::int64_t depth) {
  const std::int64_t row = layout.row_panels.begin(panel);
  return {packed_a + row * depth, 0, row, layout.row_panels.begin(panel + 1) - row};
}

void pack_rows(ThreadPool& pool, const Gemm& gemm, const Layout& layout, float* packed_a) {
  const int missing = gemm.kept.first_missing(Factor::a);
  if (missing == gemm.product_count) return;
  const EvenSplit groups = split_by(layout.row_panels.parts, kGroupRowPanels);
  pool.run(groups.parts * layout.depths.parts, [&](std::int64_t task, int /*thread*/) {
    const std::int64_t part = task % layout.depths.parts;
    const std::int64_t group = task / layout.depths.parts;
    const DepthRange depth{layout.depths.begin(part), layout.depths.begin(part + 1)};
    float* const out = packed_a + gemm.rows * depth.begin;
    for (std::int64_t p = groups.begin(group); p < groups.begin(group + 1); ++p) {
      const RowPanel panel = row_panel(layout, out, p, depth.size());
      pack_a(gemm, layout.lane, depth, panel.row, panel.rows, out + panel.row * depth.size(), missing);
    }
  });
}

/// All rows of some columns, one block of depth.
void multiply(const Block& block, const Layout& layout, const float* packed_a, float* panels) {
  const std::int64_t depth = block.depth.size();
  const std::int64_t count = ceil_divide(block.columns, kTileColumns);
  const auto column_panel = [&](std::int64_t q) {
    return ColumnPanel{panels + q * kTileColumns * depth, 0, q * kTileColumns, block.panel_columns(q)};
  };
  const int missing = block.gemm.kept.first_missing(Factor::b);
  for (std::int64_t q = 0; q < count && missing < block.gemm.product_count; ++q) {
    pack_b(block.gemm, block.lane, block.depth, block.column + q * kTileColumns, block.panel_columns(q),
           panels + q * kTileColumns * depth, missing);
  }
  for (std::int64_t first = 0; first < layout.row_panels.parts; first += kGroupRowPanels) {
    const std::int64_t left = layout.row_panels.parts - first;
    const std::int64_t rows = left < kGroupRowPanels ? left : kGroupRowPanels;
    for (std::int64_t p = 0; p < rows; ++p) {
      const RowPanel panel = row_panel(layout, packed_a, first + p, depth);
      const RowPanel next = row_panel(layout, packed_a, (first + p + 1) % layout.row_panels.parts, depth);
      for (std::int64_t q = 0; q < count; ++q) micro_tile(block, panel, column_panel(q), next, q);
    }
  }
}

}  // namespace

bool is_wide(const Gemm& gemm) {
  const std::int64_t column_panels = ceil_divide(gemm.columns, kTileColumns);
  const Lane lane = choose_lane(gemm);
  return column_panels >= kWidePanels && gemm.rows > kFewRows &&
         gemm.rows * total_depth(gemm, lane) <= kWideRows * kDepthBlock;
}

std::size_t wide_scratch(const Gemm& gemm, int threads) {
  const Layout layout(gemm);
  return static_cast<std::size_t>(layout.packed_a + threads * (layout.panels + layout.sums)) * sizeof(float);
}

void wide_gemm(ThreadPool& pool, std::byte* scratch, const Gemm& gemm) {
  const Layout layout(gemm);
  const KeptPanels& kept = gemm.kept;
  float* const threads = reinterpret_cast<float*>(scratch) + layout.packed_a;
  float* const packed_a = kept.factor == Factor::a ? kept.data : reinterpret_cast<float*>(scratch);
  pack_rows(pool, gemm, layout, packed_a);
  pool.run(layout.column_groups.parts, [&](std::int64_t task, int thread) {
    float* const panels = threads + thread * (layout.panels + layout.sums);
    const std::int64_t column = layout.column_groups.begin(task) * kTileColumns;
    const std::int64_t end = layout.column_groups.begin(task + 1) * kTileColumns;
    for (std::int64_t d = 0; d < layout.depths.parts; ++d) {
      const DepthRange depth{layout.depths.begin(d), layout.depths.begin(d + 1)};
      const Block block{gemm,
                        layout.lane,
                        0,
                        column,
                        (end < gemm.columns ? end : gemm.columns) - column,
                        depth,
                        d + 1 == layout.depths.parts,
                        layout.sums == 0 ? nullptr : panels + layout.panels};
      multiply(block, layout, packed_a + gemm.rows * depth.begin,
               kept.factor == Factor::b ? kept.data + kept_offset(gemm, depth, column) : panels);
    }
  });
}

}  // namespace attune::cpu::ATTUNE_ISA
