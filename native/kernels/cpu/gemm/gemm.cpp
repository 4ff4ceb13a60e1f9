// C (M, N) = sum of alpha A (M, depth) B (depth, N) + bias (N) + addend (M, N) + C.
// Any strides, float32 or bfloat16; sums in float32. Where all of A and B is bfloat16 and the build has
// vdpbf16ps, panels hold pairs of bfloat16 and a step of depth is two; else panels hold float32.
// After BLIS (Van Zee, van de Geijn 2015) and GotoBLAS.
//
//   for each block of rows, of columns, of depth:
//     pack A and B into panels (all threads)
//     for each group of panels (all threads): micro tiles
//
// A depth block is a function of the depth alone and blocks are summed in order, so bits do not depend on
// threads.

#include "kernels/cpu/gemm/gemm.h"

#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/gemm/micro_tile.h"
#include "kernels/cpu/gemm/packing.h"
#include "kernels/cpu/gemm/streaming.h"
#include "kernels/cpu/gemm/wide.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

using Factor = KeptPanels::Factor;

/// 32-bit lanes in scratch, each part on a cache line.
struct Layout {
  Lane lane = Lane::f32;
  Operands operands = Operands::packed;
  std::int64_t packed_a = 0;
  std::int64_t packed_b = 0;
  std::int64_t sums = 0;
  std::int64_t per_thread = 0;

  explicit Layout(const Gemm& gemm) : lane(choose_lane(gemm)), operands(choose_operands(gemm, lane)) {
    const EvenSplit depth = split_by(total_depth(gemm, lane), depth_block(gemm, lane));
    const std::int64_t rows = split_by(gemm.rows, kRowBlock).longest();
    const std::int64_t columns =
        split_by(ceil_divide(gemm.columns, kTileColumns), kColumnBlock / kTileColumns).longest() *
        kTileColumns;
    if (operands != Operands::a_where_it_lies && gemm.kept.factor != Factor::a)
      packed_a = whole_cache_lines(rows * depth.longest());
    if (gemm.kept.factor != Factor::b) packed_b = whole_cache_lines(columns * depth.longest());
    if (gemm.c_dtype != DType::f32 && depth.parts > 1) sums = whole_cache_lines(rows * columns);
    per_thread = whole_cache_lines((kGroupRowPanels * kTileRows + kTileColumns) * depth.longest());
  }
};

/// One block, and where its packed panels are.
struct PackedBlock : Block {
  Operands operands = Operands::packed;
  Tasks tasks;
  float* packed_a = nullptr;
  float* packed_b = nullptr;
  int missing_a = 0;  ///< the first product whose A is not in packed_a already
  int missing_b = 0;
  // Panels read by one task alone are packed by that task, into memory of its thread, and used while they are
  // hot. Not those that are kept.
  [[nodiscard]] bool a_in_task() const {
    return tasks.column_groups.parts == 1 && gemm.kept.factor != Factor::a;
  }
  [[nodiscard]] bool b_in_task() const {
    return tasks.row_groups.parts == 1 && gemm.kept.factor != Factor::b;
  }
};

void pack_row_panel(const PackedBlock& block, std::int64_t panel, float* out) {
  const std::int64_t begin = block.tasks.row_panels.begin(panel);
  pack_a(block.gemm, block.lane, block.depth, block.row + begin,
         block.tasks.row_panels.begin(panel + 1) - begin, out, block.missing_a);
}

void pack_column_panel(const PackedBlock& block, std::int64_t panel, float* out) {
  pack_b(block.gemm, block.lane, block.depth, block.column + panel * kTileColumns, block.panel_columns(panel),
         out, block.missing_b);
}

void pack_shared(ThreadPool& pool, const PackedBlock& block) {
  const int products = block.gemm.product_count;
  const bool packs_a = !block.a_in_task() && block.missing_a < products;
  const bool packs_b = !block.b_in_task() && block.missing_b < products;
  const std::int64_t row_tasks = packs_a ? block.tasks.row_groups.parts : 0;
  const std::int64_t column_tasks = packs_b ? block.tasks.column_groups.total : 0;
  pool.run(row_tasks + column_tasks, [&](std::int64_t task, int /*thread*/) {
    if (task < column_tasks) {
      pack_column_panel(block, task, block.packed_b + task * kTileColumns * block.depth.size());
      return;
    }
    const std::int64_t group = task - column_tasks;
    for (std::int64_t p = block.tasks.row_groups.begin(group); p < block.tasks.row_groups.begin(group + 1);
         ++p) {
      pack_row_panel(block, p, block.packed_a + block.tasks.row_panels.begin(p) * block.depth.size());
    }
  });
}

ATTUNE_INLINE const float* element(const Matrix& matrix, std::int64_t row, std::int64_t column) {
  return static_cast<const float*>(matrix.data) + row * matrix.row_stride + column * matrix.column_stride;
}

void multiply_group(const PackedBlock& block, std::int64_t task, float* own) {
  const Tasks& tasks = block.tasks;
  // Rows fastest: tasks that follow one another share their panels of B.
  const std::int64_t row_group = task % tasks.row_groups.parts;
  const std::int64_t column_group = task / tasks.row_groups.parts;
  const std::int64_t first_row = tasks.row_groups.begin(row_group);
  const std::int64_t end_row = tasks.row_groups.begin(row_group + 1);
  const std::int64_t first_column = tasks.column_groups.begin(column_group);
  const std::int64_t end_column = tasks.column_groups.begin(column_group + 1);
  const std::int64_t depth = block.depth.size();

  // Where rows begin takes a division: once for all columns.
  RowPanel panels[kGroupRowPanels];
  const std::int64_t count = end_row - first_row;
  const Product& source = block.gemm.products[0];
  const bool direct_a = block.operands == Operands::a_where_it_lies && block.a_in_task();
  const bool direct_b = block.operands == Operands::b_where_it_lies && block.b_in_task();
  float* next = own;
  for (std::int64_t p = 0; p < count; ++p) {
    const std::int64_t row = tasks.row_panels.begin(first_row + p);
    const std::int64_t rows = tasks.row_panels.begin(first_row + p + 1) - row;
    if (direct_a) {
      panels[p] = {element(source.a, block.row + row, block.depth.begin), source.a.row_stride, row, rows};
      continue;
    }
    panels[p] = {block.a_in_task() ? next : block.packed_a + row * depth, 0, row, rows};
    if (!block.a_in_task()) continue;
    pack_row_panel(block, first_row + p, next);
    next += rows * depth;
  }

  const auto column_panel = [&](std::int64_t q) {
    const std::int64_t column = q * kTileColumns;
    const std::int64_t columns = block.panel_columns(q);
    if (direct_b && columns == kTileColumns) {
      return ColumnPanel{element(source.b, block.depth.begin, block.column + column), source.b.row_stride,
                         column, columns};
    }
    float* const own_panel = own + kGroupRowPanels * kTileRows * depth;
    if (block.b_in_task()) pack_column_panel(block, q, own_panel);
    return ColumnPanel{block.b_in_task() ? own_panel : block.packed_b + column * depth, 0, column, columns};
  };
  if (!block.b_in_task()) {
    for (std::int64_t p = 0; p < count; ++p) {
      for (std::int64_t q = first_column; q < end_column; ++q) {
        micro_tile(block, panels[p], column_panel(q), panels[(p + 1) % count], q - first_column);
      }
    }
    return;
  }
  for (std::int64_t q = first_column; q < end_column; ++q) {
    const ColumnPanel b = column_panel(q);
    for (std::int64_t p = 0; p < count; ++p) micro_tile(block, panels[p], b, panels[(p + 1) % count], 0);
  }
}

void blocked_gemm(ThreadPool& pool, std::byte* scratch, const Gemm& gemm) {
  const Layout layout(gemm);
  float* packed_a = reinterpret_cast<float*>(scratch);
  float* packed_b = packed_a + layout.packed_a;
  float* sums = packed_b + layout.packed_b;
  float* own = sums + layout.sums;

  const EvenSplit rows = split_by(gemm.rows, kRowBlock);
  const EvenSplit panels = split_by(ceil_divide(gemm.columns, kTileColumns), kColumnBlock / kTileColumns);
  const EvenSplit depths = split_by(total_depth(gemm, layout.lane), depth_block(gemm, layout.lane));
  const KeptPanels& kept = gemm.kept;

  for (std::int64_t r = 0; r < rows.parts; ++r) {
    for (std::int64_t c = 0; c < panels.parts; ++c) {
      const std::int64_t column = panels.begin(c) * kTileColumns;
      const std::int64_t end = panels.begin(c + 1) * kTileColumns;
      const std::int64_t columns = (end < gemm.columns ? end : gemm.columns) - column;
      const Tasks tasks(rows.begin(r + 1) - rows.begin(r), columns);
      for (std::int64_t d = 0; d < depths.parts; ++d) {
        PackedBlock block{{gemm,
                           layout.lane,
                           rows.begin(r),
                           column,
                           columns,
                           {depths.begin(d), depths.begin(d + 1)},
                           d + 1 == depths.parts,
                           layout.sums == 0 ? nullptr : sums},
                          layout.operands,
                          tasks,
                          packed_a,
                          packed_b};
        if (kept.factor == Factor::a) {
          block.packed_a = kept.data + kept_offset(gemm, block.depth, block.row);
          block.missing_a = c > 0 ? gemm.product_count : kept.first_missing(Factor::a);
        } else if (kept.factor == Factor::b) {
          block.packed_b = kept.data + kept_offset(gemm, block.depth, block.column);
          block.missing_b = r > 0 ? gemm.product_count : kept.first_missing(Factor::b);
        }
        pack_shared(pool, block);
        pool.run(tasks.count(), [&](std::int64_t task, int thread) {
          multiply_group(block, task, own + thread * layout.per_thread);
        });
      }
    }
  }
}

}  // namespace

SharedForm kept_form(const Gemm& gemm) {
  const Lane lane = choose_lane(gemm);
  if (gemm.rows <= kFewRows || streams(gemm) || choose_operands(gemm, lane) != Operands::packed) return {};
  const auto bytes = static_cast<std::size_t>(kept_lanes(gemm, total_depth(gemm, lane))) * sizeof(float);
  const auto kind = static_cast<std::uint64_t>(lane);
  if (gemm.kept.factor == Factor::b) return {bytes, kind};
  // A is scaled as it is packed, and its panels begin anew with each block of rows.
  const std::int64_t blocks = is_wide(gemm) ? 1 : split_by(gemm.rows, kRowBlock).parts;
  const auto alpha = __builtin_bit_cast(std::uint32_t, gemm.products[0].alpha);
  return {bytes, static_cast<std::uint64_t>(alpha) << 32 | static_cast<std::uint64_t>(blocks) << 2 | kind};
}

std::size_t gemm_scratch(const Gemm& gemm, int threads) {
  if (streams(gemm)) return streaming_scratch(gemm, threads);
  if (is_wide(gemm)) return wide_scratch(gemm, threads);
  const Layout layout(gemm);
  const std::int64_t floats = layout.packed_a + layout.packed_b + layout.sums + threads * layout.per_thread;
  return static_cast<std::size_t>(floats) * sizeof(float);
}

void gemm(ThreadPool& pool, std::byte* scratch, const Gemm& gemm) {
  if (gemm.rows == 0 || gemm.columns == 0) return;
  if (streams(gemm)) {
    streaming_gemm(pool, scratch, gemm);
  } else if (is_wide(gemm)) {
    wide_gemm(pool, scratch, gemm);
  } else {
    blocked_gemm(pool, scratch, gemm);
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
