// C (M, N) where N is large:
//   for each slab of blocks of depth:
//     pack A (all threads), then for each group of columns (one task, or two that share its rows):
//       for each block of depth: pack B's columns, then micro tiles with all panels of A

#include "kernels/cpu/gemm/wide.h"

#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/gemm/micro_tile.h"
#include "kernels/cpu/gemm/packing.h"
#include "kernels/cpu/gemm/upcoming.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

using Factor = KeptPanels::Factor;

// Where C is larger than this, it is not near any more when the next slab adds to it: fewer, larger slabs.
constexpr std::int64_t kNearSums = std::int64_t{1} << 19;
constexpr std::int64_t kLargeSlabLanes = 4 * kSlabLanes;

std::int64_t lanes_of_slab(const Gemm& gemm) {
  return gemm.rows * gemm.columns > kNearSums ? kLargeSlabLanes : kSlabLanes;
}

// Up to this depth C is most of what is moved, and not written a few columns at a time (8: 1.3 to 1.6 times
// as fast; 32: 1.0 to 1.15).
constexpr std::int64_t kShallowDepth = 32;
// Panels of A that meet a panel of B before the next one, where they come from the third level: one of B
// stays in the first level meanwhile (AVX2, 24 KiB), as long as those of A stay in the second beside all of
// B's.
constexpr std::int64_t kRowsTogether = Vec::kWidth == 8 ? 6 : 1;
// With fewer panels of columns than this a thread would wait for another's last one: the last groups are cut
// in two by rows, and each half packs its columns itself.
constexpr std::int64_t kFewColumnPanels = 32;
constexpr std::int64_t kManyRowPanels = 16;

/// Sizes, and 32-bit lanes in scratch.
struct Layout {
  Lane lane;
  Operands operands;
  PanelCut cut;
  std::int64_t rows;  ///< of A as it is packed
  EvenSplit depths;
  EvenSplit slabs;  ///< blocks of depth -> slabs
  EvenSplit row_panels;
  Groups column_groups;  ///< column panels
  std::int64_t tasks;    ///< groups, the last ones in halves
  std::int64_t halved;   ///< the first group that is cut in two
  std::int64_t packed_a;
  std::int64_t panels;  ///< of B, of one thread
  std::int64_t sums;    ///< of one thread

  explicit Layout(const Gemm& gemm)
      : lane(choose_lane(gemm)),
        operands(choose_operands(gemm, lane)),
        cut(panel_cut(lane)),
        rows(packed_rows(gemm, lane)),
        depths(split_by(total_depth(gemm, lane), cut.depth_block, cut.depth_unit)),
        // One slab where C can not hold the sums: those of all columns would take too much.
        slabs(c_holds_sums(gemm) ? split_into_slabs(depths, rows, lanes_of_slab(gemm))
                                 : EvenSplit{depths.parts}),
        row_panels(split_by(gemm.rows, cut.rows, cut.row_unit)),
        column_groups(ceil_divide(gemm.columns, kTileColumns), kGroupColumnPanels),
        tasks(column_groups.count()),
        halved(tasks),
        packed_a(
            gemm.kept.factor == Factor::a ? 0 : whole_cache_lines(rows * depths.longest() * slabs.longest())),
        panels(gemm.kept.factor == Factor::b
                   ? 0
                   : whole_cache_lines(column_groups.longest() * kTileColumns * depths.longest())),
        sums(!c_holds_sums(gemm) && depths.parts > 1
                 ? whole_cache_lines(gemm.rows * column_groups.longest() * kTileColumns)
                 : 0) {
    const bool few = ceil_divide(gemm.columns, kTileColumns) < kFewColumnPanels;
    if (!few || gemm.kept.factor == Factor::b || row_panels.parts < kManyRowPanels) return;
    halved = column_groups.first_small();
    tasks += tasks - halved;
  }
};

/// Columns of one group, and all of A's panels or half of them.
struct Part {
  std::int64_t column = 0;
  std::int64_t columns = 0;
  std::int64_t begin = 0;  ///< panel of A
  std::int64_t end = 0;

  Part(const Gemm& gemm, const Layout& layout, std::int64_t task) : end(layout.row_panels.parts) {
    std::int64_t group = task;
    if (const std::int64_t half = task - layout.halved; half >= 0) {
      group = layout.halved + half / 2;
      (half % 2 == 0 ? end : begin) = end / 2;
    }
    column = layout.column_groups.begin(group) * kTileColumns;
    const std::int64_t stop = layout.column_groups.begin(group + 1) * kTileColumns;
    columns = (stop < gemm.columns ? stop : gemm.columns) - column;
  }
};

RowPanel row_panel(const Gemm& gemm, const Layout& layout, const float* packed_a, std::int64_t panel,
                   std::int64_t depth) {
  const std::int64_t row = layout.row_panels.begin(panel);
  return {packed_a + row * depth, 0, row, rows_of(gemm, 0, layout.row_panels, panel)};
}

/// A's panels of one block of depth, among those of its slab.
std::int64_t offset_of(const Gemm& gemm, const Layout& layout, std::int64_t slab, DepthRange depth) {
  if (gemm.kept.factor == Factor::a) return kept_offset(gemm, layout.lane, depth, 0);
  return layout.rows * (depth.begin - layout.depths.begin(layout.slabs.begin(slab)));
}

void pack_rows(ThreadPool& pool, const Gemm& gemm, const Layout& layout, std::int64_t slab, float* packed_a) {
  const int missing = gemm.kept.first_missing(Factor::a);
  if (missing == gemm.product_count) return;
  const EvenSplit groups = split_by(layout.row_panels.parts, layout.cut.group);
  const std::int64_t begin = layout.slabs.begin(slab);
  pool.run(groups.parts * (layout.slabs.begin(slab + 1) - begin), [&](std::int64_t task, int /*thread*/) {
    const std::int64_t d = begin + task / groups.parts;
    const std::int64_t group = task % groups.parts;
    const DepthRange depth{layout.depths.begin(d), layout.depths.begin(d + 1)};
    const std::int64_t first = groups.begin(group);
    pack_a(gemm, layout.lane, depth, {0, layout.row_panels, first, groups.begin(group + 1)},
           packed_a + offset_of(gemm, layout, slab, depth) + layout.row_panels.begin(first) * depth.size(),
           missing);
  });
}

/// Whether A's panels of a block come soon enough unasked. What was asked for then stays in the second level
/// until it is packed; beside more of them it would not.
bool rows_are_near(const Gemm& gemm, DepthRange depth) { return gemm.rows * depth.size() <= kNearLanes; }

/// B's columns that a thread packs next: those of its next block of depth, or of the task it gets next if the
/// threads take turns.
Upcoming upcoming(const Block& block, const Layout& layout, const Part& part, std::int64_t d,
                  std::int64_t slab, std::int64_t next_task) {
  const Gemm& gemm = block.gemm;
  if (layout.operands != Operands::packed || gemm.kept.factor == Factor::b) return {};
  if (!rows_are_near(gemm, block.depth)) return {};
  const auto depth = [&](std::int64_t at) {
    return DepthRange{layout.depths.begin(at), layout.depths.begin(at + 1)};
  };
  const std::int64_t tiles = (part.end - part.begin) * ceil_divide(block.columns, kTileColumns);
  if (d + 1 < layout.slabs.begin(slab + 1))
    return {gemm, block.lane, depth(d + 1), block.column, block.columns, tiles};
  if (next_task >= layout.tasks) return {};
  const Part next(gemm, layout, next_task);
  return {gemm, block.lane, depth(layout.slabs.begin(slab)), next.column, next.columns, tiles};
}

/// One part, one block of depth.
void multiply(const Block& block, const Layout& layout, const Part& part, const float* packed_a,
              float* panels, Upcoming upcoming) {
  const Gemm& gemm = block.gemm;
  const std::int64_t depth = block.depth.size();
  const std::int64_t count = ceil_divide(block.columns, kTileColumns);
  const bool direct = layout.operands == Operands::b_where_it_lies;
  const auto column_panel = [&](std::int64_t q) {
    const std::int64_t column = q * kTileColumns;
    const std::int64_t columns = block.panel_columns(q);
    if (direct && columns == kTileColumns) {
      const Matrix& b = gemm.products[0].b;
      return ColumnPanel{element(b, block.depth.begin, block.column + column), b.row_stride, column, columns};
    }
    return ColumnPanel{panels + column * depth, 0, column, columns};
  };
  const int missing = gemm.kept.first_missing(Factor::b);
  // Where B is read where it lies, only a panel that is narrower than the others is packed.
  const std::int64_t lying = direct ? block.columns / kTileColumns * kTileColumns : 0;
  if (missing < gemm.product_count && lying < block.columns) {
    pack_b(gemm, block.lane, block.depth, block.column + lying, block.columns - lying, panels + lying * depth,
           missing);
  }
  const MicroTiles tiles(block);
  if (rows_are_near(gemm, block.depth)) {
    for (std::int64_t p = part.begin; p < part.end; ++p) {
      const RowPanel panel = row_panel(gemm, layout, packed_a, p, depth);
      for (std::int64_t q = 0; q < count; ++q) {
        upcoming.ask();
        tiles.make(panel, column_panel(q), nullptr);
      }
    }
    return;
  }
  for (std::int64_t first = part.begin; first < part.end; first += kRowsTogether) {
    const std::int64_t end = first + kRowsTogether < part.end ? first + kRowsTogether : part.end;
    RowPanel together[kRowsTogether];
    for (std::int64_t p = first; p < end; ++p)
      together[p - first] = row_panel(gemm, layout, packed_a, p, depth);
    // The last tiles bring the panels that come next, a share each; the next columns begin with the first.
    const RowPanel next = row_panel(gemm, layout, packed_a, end < part.end ? end : part.begin, depth);
    const float* ahead = next.data;
    std::int64_t left = count * (end - first);
    const std::int64_t shares = ceil_divide(kRowsTogether * layout.cut.rows, kAhead);
    for (std::int64_t q = 0; q < count; ++q) {
      const ColumnPanel column = column_panel(q);
      for (std::int64_t p = first; p < end; ++p, --left) {
        const bool brings = left <= shares;
        tiles.make(together[p - first], column, brings ? ahead : nullptr);
        if (brings) ahead += kAhead * depth;
      }
    }
  }
}

}  // namespace

bool is_wide(const Gemm& gemm) {
  const Lane lane = choose_lane(gemm);
  const Operands operands = choose_operands(gemm, lane);
  if (operands != Operands::packed) return operands == Operands::b_where_it_lies;
  if (total_depth(gemm, lane) <= kShallowDepth) return false;
  // Rounded once, C has but one slab, which must not be too large.
  return gemm.columns >= gemm.rows &&
         (gemm.c_dtype == DType::f32 || gemm.rows * total_depth(gemm, lane) <= kLargeSlabLanes);
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
  for (std::int64_t s = 0; s < layout.slabs.parts; ++s) {
    pack_rows(pool, gemm, layout, s, packed_a);
    pool.run(layout.tasks, [&](std::int64_t task, int thread) {
      float* const panels = threads + thread * (layout.panels + layout.sums);
      const Part part(gemm, layout, task);
      for (std::int64_t d = layout.slabs.begin(s); d < layout.slabs.begin(s + 1); ++d) {
        const DepthRange depth{layout.depths.begin(d), layout.depths.begin(d + 1)};
        const Block block{gemm,
                          layout.lane,
                          0,
                          part.column,
                          part.columns,
                          depth,
                          d + 1 == layout.depths.parts,
                          layout.sums == 0 ? nullptr : panels + layout.panels};
        float* const b = kept.factor == Factor::b
                             ? kept.data + kept_offset(gemm, layout.lane, depth, part.column)
                             : panels;
        multiply(block, layout, part, packed_a + offset_of(gemm, layout, s, depth), b,
                 upcoming(block, layout, part, d, s, task + pool.threads()));
      }
    });
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
