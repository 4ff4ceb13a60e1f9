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
#include "kernels/cpu/gemm/epilogue.h"
#include "kernels/cpu/gemm/microkernel.h"
#include "kernels/cpu/gemm/packing.h"
#include "kernels/cpu/gemm/streaming.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

/// 32-bit lanes in scratch, each part on a cache line.
struct Layout {
  Lane lane = Lane::f32;
  Operands operands = Operands::packed;
  std::int64_t packed_a = 0;
  std::int64_t packed_b = 0;
  std::int64_t sums = 0;
  std::int64_t per_thread = 0;

  static std::int64_t lines(std::int64_t floats) { return ceil_divide(floats, 16) * 16; }

  explicit Layout(const Gemm& gemm) : lane(choose_lane(gemm)), operands(choose_operands(gemm, lane)) {
    const EvenSplit depth = split_by(total_depth(gemm, lane), depth_block(gemm, lane));
    const std::int64_t rows = split_by(gemm.rows, kRowBlock).longest();
    const std::int64_t columns =
        split_by(ceil_divide(gemm.columns, kTileColumns), kColumnBlock / kTileColumns).longest() *
        kTileColumns;
    if (operands != Operands::a_where_it_lies) packed_a = lines(rows * depth.longest());
    packed_b = lines(columns * depth.longest());
    if (gemm.c_dtype != DType::f32 && depth.parts > 1) sums = lines(rows * columns);
    per_thread = lines((kGroupRowPanels * kTileRows + kTileColumns) * depth.longest());
  }
};

/// One block of C and of depth, and where its packed panels are.
struct Block {
  const Gemm& gemm;
  Lane lane = Lane::f32;
  Operands operands = Operands::packed;
  Tasks tasks;
  std::int64_t row = 0;  ///< of C, where the block starts
  std::int64_t column = 0;
  std::int64_t columns = 0;
  DepthRange depth;
  float* packed_a = nullptr;
  float* packed_b = nullptr;
  float* sums = nullptr;  ///< (rows, columns) partial sums; null: C itself holds them, or there are none
  // Panels read by one task alone are packed by that task, into memory of its thread, and used while they are
  // hot.
  [[nodiscard]] bool a_in_task() const { return tasks.column_groups.parts == 1; }
  [[nodiscard]] bool b_in_task() const { return tasks.row_groups.parts == 1; }
  [[nodiscard]] bool first() const { return depth.begin == 0; }

  [[nodiscard]] std::int64_t panel_columns(std::int64_t panel) const {
    const std::int64_t left = columns - panel * kTileColumns;
    return left < kTileColumns ? left : kTileColumns;
  }
};

void pack_row_panel(const Block& block, std::int64_t panel, float* out) {
  const std::int64_t begin = block.tasks.row_panels.begin(panel);
  pack_a(block.gemm, block.lane, block.depth, block.row + begin,
         block.tasks.row_panels.begin(panel + 1) - begin, out);
}

void pack_column_panel(const Block& block, std::int64_t panel, float* out) {
  pack_b(block.gemm, block.lane, block.depth, block.column + panel * kTileColumns, block.panel_columns(panel),
         out);
}

void pack_shared(ThreadPool& pool, const Block& block) {
  const std::int64_t row_tasks = block.a_in_task() ? 0 : block.tasks.row_groups.parts;
  const std::int64_t column_tasks = block.b_in_task() ? 0 : block.tasks.column_groups.total;
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

/// A panel of A and the rows of C that it makes.
struct RowPanel {
  const float* data = nullptr;
  std::int64_t stride = 0;  ///< between rows, where it is not packed
  std::int64_t row = 0;     ///< of the block
  std::int64_t rows = 0;
};

struct ColumnPanel {
  const float* data = nullptr;
  std::int64_t stride = 0;  ///< between depths, where it is not packed
  std::int64_t column = 0;  ///< of the block
  std::int64_t columns = 0;
};

void micro_tile(const Block& block, bool last, const RowPanel& a, const ColumnPanel& b) {
  const Gemm& gemm = block.gemm;
  const Rectangle place{block.row + a.row, block.column + b.column, a.rows, b.columns};
  const bool beside = gemm.bias.data != nullptr || gemm.addend.data != nullptr;
  bool add = !block.first();
  bool terms = block.first() && (beside || gemm.accumulate);

  alignas(64) float tile[kTileRows * kTileColumns];
  float* sums = tile;
  std::int64_t stride = kTileColumns;
  bool write = last;
  if (gemm.c_dtype == DType::f32) {
    if (terms && !beside) {  // C alone is added to: the sums' own way back does it
      add = true;
      terms = false;
    }
    write = terms;
    if (!terms) {
      sums = static_cast<float*>(gemm.c) + place.row * gemm.c_stride + place.column;
      stride = gemm.c_stride;
    }
  } else if (block.sums != nullptr) {
    sums = block.sums + a.row * block.columns + b.column;
    stride = block.columns;
  }
  const Operands operands = a.stride != 0   ? Operands::a_where_it_lies
                            : b.stride != 0 ? Operands::b_where_it_lies
                                            : Operands::packed;
  const MicroKernel multiply = microkernel(block.lane, operands, a.rows, ceil_divide(b.columns, Vec::kWidth));
  multiply(block.depth.size(), a.data, a.stride, b.data, b.stride, sums, stride, b.columns, add);
  if (terms) add_terms(gemm, place, sums, stride);
  if (write) write_c(gemm, place, sums, stride);
}

ATTUNE_INLINE const float* element(const Matrix& matrix, std::int64_t row, std::int64_t column) {
  return static_cast<const float*>(matrix.data) + row * matrix.row_stride + column * matrix.column_stride;
}

void multiply_group(const Block& block, bool last, std::int64_t task, float* own) {
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
  if (kKeepRowPanel && !block.b_in_task()) {
    for (std::int64_t p = 0; p < count; ++p) {
      for (std::int64_t q = first_column; q < end_column; ++q) {
        micro_tile(block, last, panels[p], column_panel(q));
      }
    }
    return;
  }
  for (std::int64_t q = first_column; q < end_column; ++q) {
    const ColumnPanel b = column_panel(q);
    for (std::int64_t p = 0; p < count; ++p) micro_tile(block, last, panels[p], b);
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

  for (std::int64_t r = 0; r < rows.parts; ++r) {
    for (std::int64_t c = 0; c < panels.parts; ++c) {
      const std::int64_t column = panels.begin(c) * kTileColumns;
      const std::int64_t end = panels.begin(c + 1) * kTileColumns;
      const std::int64_t columns = (end < gemm.columns ? end : gemm.columns) - column;
      const Tasks tasks(rows.begin(r + 1) - rows.begin(r), columns);
      for (std::int64_t d = 0; d < depths.parts; ++d) {
        const Block block{gemm,
                          layout.lane,
                          layout.operands,
                          tasks,
                          rows.begin(r),
                          column,
                          columns,
                          {depths.begin(d), depths.begin(d + 1)},
                          packed_a,
                          packed_b,
                          layout.sums == 0 ? nullptr : sums};
        pack_shared(pool, block);
        pool.run(tasks.count(), [&](std::int64_t task, int thread) {
          multiply_group(block, d + 1 == depths.parts, task, own + thread * layout.per_thread);
        });
      }
    }
  }
}

}  // namespace

std::size_t gemm_scratch(const Gemm& gemm, int threads) {
  if (streams(gemm)) return streaming_scratch(gemm, threads);
  const Layout layout(gemm);
  const std::int64_t floats = layout.packed_a + layout.packed_b + layout.sums + threads * layout.per_thread;
  return static_cast<std::size_t>(floats) * sizeof(float);
}

void gemm(ThreadPool& pool, std::byte* scratch, const Gemm& gemm) {
  if (gemm.rows == 0 || gemm.columns == 0) return;
  if (streams(gemm)) {
    streaming_gemm(pool, scratch, gemm);
  } else {
    blocked_gemm(pool, scratch, gemm);
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
