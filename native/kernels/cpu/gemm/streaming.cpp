// C (M, N) for few rows M: packing B would cost more than the product, so each element of B is read once,
// where it lies, and meets all M rows. A is copied to scratch as float32 (M, depth) with alpha in it, unless
// both are bfloat16 and this build multiplies pairs of them.
//
//   columns of B contiguous: dot products (streaming_columns.cpp)
//   rows of B contiguous: first, parts of the depth into scratch; then their sum (streaming_rows.cpp)
//
// What a part is depends on the sizes alone, and an element's sum is taken in the same order however many
// rows there are and whichever task it falls to: bits depend neither on threads nor on what else is in the
// batch.

#include "kernels/cpu/gemm/streaming.h"

#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/gemm/epilogue.h"
#include "kernels/cpu/gemm/lines.h"
#include "kernels/cpu/gemm/packing.h"
#include "kernels/cpu/gemm/streaming_columns.h"
#include "kernels/cpu/gemm/streaming_rows.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// Columns of one task, at least.
constexpr std::int64_t kFewColumns = 32;
// What a task reads at most: the processor foresees a stream after some KiB of it, so many short ones are
// read more slowly (int8 lines of 896 on a core of an EPYC (Zen 3): 8.9 GB/s by 32 columns, 11.4 by 128, 12.5
// by 256).
constexpr std::int64_t kTaskBytes = std::int64_t{256} << 10;
// Fewer tasks for each thread than this, and they wait long for the last one.
constexpr std::int64_t kTasksOfThread = 6;

// ---- neither

template <class T>
void add_strided(const Rows& a, const T* b, const Matrix& matrix, std::int64_t depth, std::int64_t columns,
                 float* sums) {
  for (std::int64_t i = 0; i < a.count; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      float sum = 0.0F;
      for (std::int64_t k = 0; k < depth; ++k) {
        sum += a.data[i * a.stride + k] * to_float(b[k * matrix.row_stride + j * matrix.column_stride]);
      }
      sums[i * kStreamingColumns + j] += sum;
    }
  }
}

void add_strided(const Rows& a, const Product& product, std::int64_t column, std::int64_t columns,
                 float* sums) {
  const Matrix& b = product.b;
  const std::int64_t offset = column * b.column_stride;
  if (b.dtype == DType::bf16) {
    add_strided(a, static_cast<const bfloat16*>(b.data) + offset, b, product.depth, columns, sums);
  } else {
    add_strided(a, static_cast<const float*>(b.data) + offset, b, product.depth, columns, sums);
  }
}

// ---- choose

[[nodiscard]] bool needs_floats(const Gemm& gemm) {
  for (int p = 0; p < gemm.product_count; ++p) {
    if (!multiplies_pairs(gemm.products[p])) return true;
  }
  return false;
}

/// Bytes of B that one column of C takes.
[[nodiscard]] std::int64_t bytes_of_column(const Gemm& gemm) {
  std::int64_t bytes = 0;
  for (int p = 0; p < gemm.product_count; ++p) {
    const Product& product = gemm.products[p];
    const DType dtype = product.b.dtype;
    const std::int64_t wide = dtype == DType::f32 ? 4 : (dtype == DType::bf16 ? 2 : 1);
    if (way_of(product) == Way::columns) bytes += product.depth * wide;
  }
  return bytes;
}

/// A multiple of kFewColumns.
[[nodiscard]] std::int64_t columns_of_task(const Gemm& gemm, int threads) {
  const std::int64_t bytes = kFewColumns * bytes_of_column(gemm);
  const std::int64_t long_enough = bytes == 0 ? 1 : kTaskBytes / bytes;
  const std::int64_t enough_tasks = gemm.columns / (kFewColumns * kTasksOfThread * threads);
  const std::int64_t times = minimum(minimum(long_enough, enough_tasks), kStreamingColumns / kFewColumns);
  return times < 1 ? kFewColumns : times * kFewColumns;
}

/// Floats of scratch, each part on a cache line.
struct Layout {
  std::int64_t a = 0;
  std::int64_t sums[Gemm::kMaximumProducts] = {};
  std::int64_t unpacked = 0;  ///< of a thread

  explicit Layout(const Gemm& gemm) : a(whole_cache_lines(gemm.rows * total_depth(gemm, Lane::f32))) {
    for (int p = 0; p < gemm.product_count; ++p) {
      const Product& product = gemm.products[p];
      const bool rows = way_of(product) == Way::rows;
      if (rows) sums[p] = whole_cache_lines(parts_of(gemm, product).depth.parts * gemm.rows * gemm.columns);
      if (!unpacks(product.b, rows ? gemm.columns : product.depth)) continue;
      const std::int64_t floats =
          whole_cache_lines(rows ? minimum(gemm.columns, kPartColumns) : kStreams * product.depth);
      unpacked = unpacked > floats ? unpacked : floats;
    }
  }
  [[nodiscard]] std::int64_t total(int threads) const {
    std::int64_t floats = a + threads * unpacked;
    for (const std::int64_t part : sums) floats += part;
    return floats;
  }
};

}  // namespace

bool streams(const Gemm& gemm) {
  if (gemm.rows <= kStreamingRows) return true;
  if (gemm.rows > kStreamingDotRows) return false;
  for (int p = 0; p < gemm.product_count; ++p) {
    if (way_of(gemm.products[p]) != Way::columns) return false;
  }
  return true;
}

std::size_t streaming_scratch(const Gemm& gemm, int threads) {
  return static_cast<std::size_t>(Layout(gemm).total(threads)) * sizeof(float);
}

void streaming_gemm(ThreadPool& pool, std::byte* scratch, const Gemm& gemm) {
  const Layout layout(gemm);
  float* a = reinterpret_cast<float*>(scratch);
  float* unpacked = a + layout.a;
  float* part_sums = unpacked + pool.threads() * layout.unpacked;
  const std::int64_t depth = total_depth(gemm, Lane::f32);
  if (needs_floats(gemm))
    pack_a(gemm, Lane::f32, {0, depth}, {0, split_by(gemm.rows, 1), 0, gemm.rows}, a, 0);

  std::int64_t before = 0;
  float* next = part_sums;
  for (int p = 0; p < gemm.product_count; ++p) {
    const Product& product = gemm.products[p];
    if (way_of(product) == Way::rows && product.depth > 0) {
      const Parts parts = parts_of(gemm, product);
      const Rows rows{a + before, depth, gemm.rows};
      pool.run(parts.count(), [&](std::int64_t part, int thread) {
        scale_part(rows, product, parts, part, unpacked + thread * layout.unpacked, next);
      });
    }
    before += product.depth;
    next += layout.sums[p];
  }

  const std::int64_t across = columns_of_task(gemm, pool.threads());
  pool.run(ceil_divide(gemm.columns, across), [&](std::int64_t task, int thread) {
    const std::int64_t column = task * across;
    const Rectangle place{0, column, gemm.rows, minimum(across, gemm.columns - column)};
    alignas(64) float sums[kStreamingDotRows * kStreamingColumns];
    for (std::int64_t i = 0; i < gemm.rows; ++i) {
      for (std::int64_t j = 0; j < place.columns; ++j) sums[i * kStreamingColumns + j] = 0.0F;
    }
    Rows rows{a, depth, gemm.rows};
    const float* of_parts = part_sums;
    for (int p = 0; p < gemm.product_count; ++p) {
      const Product& product = gemm.products[p];
      switch (product.depth == 0 ? Way::strided : way_of(product)) {
        case Way::columns:
          add_dots(rows, product, column, place.columns, unpacked + thread * layout.unpacked, sums);
          break;
        case Way::rows:
          add_parts(of_parts, parts_of(gemm, product), gemm.rows, place, sums);
          break;
        case Way::strided:
          add_strided(rows, product, column, place.columns, sums);
      }
      rows.data += product.depth;
      of_parts += layout.sums[p];
    }
    finish(gemm, place, {.terms = true, .write = true, .activate = gemm.activation.has_value()}, sums,
           kStreamingColumns);
  });
}

}  // namespace attune::cpu::ATTUNE_ISA
