// C (M, N) where M is large:
//   for each block of rows, of columns, slab of blocks of depth:
//     pack B (all threads), then for each group of rows (one task):
//       for each block of depth: pack A's rows, then micro tiles with all panels of B

#include "kernels/cpu/gemm/tall.h"

#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/gemm/micro_tile.h"
#include "kernels/cpu/gemm/packing.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

using Factor = KeptPanels::Factor;

// Columns of a block, for each of which A is packed anew.
constexpr std::int64_t kBlockColumns = 768;
// Panels of B that a panel of A meets before the next one: one that stays in the first-level cache while
// those of A pass (AVX2, 24 KiB), or as many as stay in the second beside a task's of A while one of A is in
// the first.
constexpr std::int64_t kPanelsTogether =
    Vec::kWidth == 8 ? 1 : (Vec::kWidth == 16 ? 96 / kTileColumns : kGroupColumnPanels);

/// As many more of them as they are shallower: rows of C are then written along.
std::int64_t panels_together(std::int64_t depth) {
  return kPanelsTogether * (depth > 0 && depth < kDepthBlock ? kDepthBlock / depth : 1);
}

/// Sizes, and 32-bit lanes in scratch.
struct Layout {
  Lane lane;
  Operands operands;
  PanelCut cut;
  EvenSplit rows;
  EvenSplit column_panels;  ///< -> blocks
  EvenSplit depths;
  EvenSplit slabs;  ///< blocks of depth -> slabs
  std::int64_t packed_b;
  std::int64_t sums;  ///< of all threads, where slab after slab adds to them
  std::int64_t own_a;
  std::int64_t own_sums;  ///< of one thread, where C can not hold them and one slab is all

  explicit Layout(const Gemm& gemm)
      : lane(choose_lane(gemm)),
        operands(choose_operands(gemm, lane)),
        cut(panel_cut(lane)),
        rows(split_by(gemm.rows, kRowBlock, cut.row_unit)),
        column_panels(split_by(ceil_divide(gemm.columns, kTileColumns), kBlockColumns / kTileColumns)),
        depths(split_by(total_depth(gemm, lane), depth_block(gemm, lane), cut.depth_unit)),
        slabs(split_into_slabs(depths, columns(), kSlabLanes)) {
    const Factor kept = gemm.kept.factor;
    const bool rounds = gemm.c_dtype != DType::f32 && depths.parts > 1;
    const std::int64_t group_rows = cut.group * cut.rows;
    packed_b = kept == Factor::b ? 0 : whole_cache_lines(columns() * depths.longest() * slabs.longest());
    sums = rounds && slabs.parts > 1 ? whole_cache_lines(rows.longest() * columns()) : 0;
    own_a = kept == Factor::a || operands == Operands::a_where_it_lies
                ? 0
                : whole_cache_lines(group_rows * depths.longest());
    own_sums = rounds && slabs.parts == 1 ? whole_cache_lines(group_rows * columns()) : 0;
  }
  /// Of a block, padded.
  [[nodiscard]] std::int64_t columns() const { return column_panels.longest() * kTileColumns; }
};

/// One block of C, one slab of depth.
struct Slab {
  const Gemm& gemm;
  const Layout& layout;
  std::int64_t row = 0;
  EvenSplit row_panels;
  std::int64_t column = 0;
  std::int64_t columns = 0;
  std::int64_t begin = 0;  ///< block of depth
  std::int64_t end = 0;
  float* packed_b = nullptr;
  float* sums = nullptr;
  int missing_a = 0;  ///< the first product whose A is not kept already
  int missing_b = 0;

  [[nodiscard]] DepthRange depth(std::int64_t d) const {
    return {layout.depths.begin(d), layout.depths.begin(d + 1)};
  }
  [[nodiscard]] std::int64_t column_panels() const { return ceil_divide(columns, kTileColumns); }
  /// B's panels of one block of depth.
  [[nodiscard]] float* b(DepthRange depth) const {
    if (gemm.kept.factor == Factor::b) return gemm.kept.data + kept_offset(gemm, layout.lane, depth, column);
    return packed_b + column_panels() * kTileColumns * (depth.begin - layout.depths.begin(begin));
  }
};

void pack_columns(ThreadPool& pool, const Slab& slab) {
  if (slab.missing_b == slab.gemm.product_count) return;
  const EvenSplit groups = split_by(slab.column_panels(), kGroupColumnPanels);
  pool.run(groups.parts * (slab.end - slab.begin), [&](std::int64_t task, int /*thread*/) {
    const DepthRange depth = slab.depth(slab.begin + task / groups.parts);
    const std::int64_t group = task % groups.parts;
    const std::int64_t first = groups.begin(group) * kTileColumns;
    const std::int64_t end = groups.begin(group + 1) * kTileColumns;
    pack_b(slab.gemm, slab.layout.lane, depth, slab.column + first,
           (end < slab.columns ? end : slab.columns) - first, slab.b(depth) + first * depth.size(),
           slab.missing_b);
  });
}

/// Micro tiles of `rows` panels of A and all panels of B, which lie at `b`.
void multiply_panels(const Block& block, const RowPanel* panels, std::int64_t rows, const float* b,
                     bool brings) {
  const std::int64_t count = ceil_divide(block.columns, kTileColumns);
  const std::int64_t step = kTileColumns * block.depth.size();
  const MicroTiles tiles(block);
  const std::int64_t together = panels_together(block.depth.size());
  for (std::int64_t q = 0; q < count; q += together) {
    const std::int64_t next = q + together;
    const std::int64_t end = next < count ? next : count;
    // The last tiles bring the panels that come next, a share each: sooner, and A would push them out again.
    std::int64_t left = rows * (end - q);
    const std::int64_t shares = brings && next < count ? (end - q) * kTileColumns / kAhead : 0;
    const float* ahead = b + next * step;
    for (std::int64_t p = 0; p < rows; ++p) {
      for (std::int64_t i = q; i < end; ++i, --left) {
        const bool brings_share = left <= shares;
        tiles.make(panels[p], {b + i * step, 0, i * kTileColumns, block.panel_columns(i)},
                   brings_share ? ahead : nullptr);
        if (brings_share) ahead += kAhead * block.depth.size();
      }
    }
  }
}

/// Row panels [first, end), one block of depth. `own`: memory of the thread.
void multiply(const Slab& slab, std::int64_t d, std::int64_t first, std::int64_t end, float* own) {
  const Gemm& gemm = slab.gemm;
  const Layout& layout = slab.layout;
  const DepthRange depth = slab.depth(d);
  const std::int64_t row = slab.row_panels.begin(first);
  const bool direct = layout.operands == Operands::a_where_it_lies;
  const bool keeps = gemm.kept.factor == Factor::a;

  float* const packed_a =
      keeps ? gemm.kept.data + kept_offset(gemm, layout.lane, depth, slab.row + row) : own;
  if (!direct && slab.missing_a < gemm.product_count)
    pack_a(gemm, layout.lane, depth, {slab.row, slab.row_panels, first, end}, packed_a, slab.missing_a);
  const Matrix& a = gemm.products[0].a;
  RowPanel panels[kGroupRowPanels];
  for (std::int64_t p = first; p < end; ++p) {
    const std::int64_t from = slab.row_panels.begin(p) - row;
    const std::int64_t rows = rows_of(gemm, slab.row, slab.row_panels, p);
    panels[p - first] = {packed_a + from * depth.size(), 0, from, rows};
    if (direct)
      panels[p - first] = {element(a, slab.row + row + from, depth.begin), a.row_stride, from, rows};
  }

  float* sums = layout.own_sums == 0 ? nullptr : own + layout.own_a;
  if (slab.sums != nullptr) sums = slab.sums + row * slab.columns;
  const bool last = d + 1 == layout.depths.parts;
  const Block block{gemm, layout.lane, slab.row + row, slab.column, slab.columns, depth, last, sums};
  const std::int64_t lanes = slab.column_panels() * kTileColumns * depth.size();
  multiply_panels(block, panels, end - first, slab.b(depth), !direct && lanes > kNearLanes);
}

}  // namespace

std::size_t tall_scratch(const Gemm& gemm, int threads) {
  const Layout layout(gemm);
  const std::int64_t lanes = layout.packed_b + layout.sums + threads * (layout.own_a + layout.own_sums);
  return static_cast<std::size_t>(lanes) * sizeof(float);
}

void tall_gemm(ThreadPool& pool, std::byte* scratch, const Gemm& gemm) {
  const Layout layout(gemm);
  const KeptPanels& kept = gemm.kept;
  float* const packed_b = reinterpret_cast<float*>(scratch);
  float* const sums = packed_b + layout.packed_b;
  float* const threads = sums + layout.sums;
  for (std::int64_t r = 0; r < layout.rows.parts; ++r) {
    const std::int64_t row = layout.rows.begin(r);
    const EvenSplit row_panels =
        split_by(layout.rows.begin(r + 1) - row, layout.cut.rows, layout.cut.row_unit);
    const Groups groups(row_panels.parts, layout.cut.group);
    for (std::int64_t c = 0; c < layout.column_panels.parts; ++c) {
      const std::int64_t column = layout.column_panels.begin(c) * kTileColumns;
      const std::int64_t end = layout.column_panels.begin(c + 1) * kTileColumns;
      Slab slab{.gemm = gemm,
                .layout = layout,
                .row = row,
                .row_panels = row_panels,
                .column = column,
                .columns = (end < gemm.columns ? end : gemm.columns) - column,
                .packed_b = packed_b,
                .sums = layout.sums == 0 ? nullptr : sums,
                .missing_a = kept.first_missing(Factor::a),
                .missing_b = kept.first_missing(Factor::b)};
      // What is kept was packed with the first columns, or rows.
      if (kept.factor == Factor::a && c > 0) slab.missing_a = gemm.product_count;
      if (kept.factor == Factor::b && r > 0) slab.missing_b = gemm.product_count;
      for (std::int64_t s = 0; s < layout.slabs.parts; ++s) {
        slab.begin = layout.slabs.begin(s);
        slab.end = layout.slabs.begin(s + 1);
        pack_columns(pool, slab);
        pool.run(groups.count(), [&](std::int64_t group, int thread) {
          float* const own = threads + thread * (layout.own_a + layout.own_sums);
          for (std::int64_t d = slab.begin; d < slab.end; ++d)
            multiply(slab, d, groups.begin(group), groups.begin(group + 1), own);
        });
      }
    }
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
