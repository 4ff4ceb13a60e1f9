// C (M, N) for few rows M: packing B would cost more than the product, so each element of B is read once,
// where it lies, and meets all M rows. A is copied to scratch as float32 (M, depth) with alpha in it, unless
// both are bfloat16 and this build multiplies pairs of them.
//
//   columns of B contiguous: dot products, four columns at a time, far apart in memory
//   rows of B contiguous: first, parts of the depth, each a sum of scaled rows into scratch; then their sum
//
// What a part is depends on the sizes alone, and an element's sum is taken in the same order however many
// rows there are and whichever task it falls to: bits depend neither on threads nor on what else is in the
// batch.

#include "kernels/cpu/gemm/streaming.h"

#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/gemm/epilogue.h"
#include "kernels/cpu/gemm/lines.h"
#include "kernels/cpu/gemm/packing.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// Columns of one task, at least and at most.
constexpr std::int64_t kFewColumns = 32;
constexpr std::int64_t kColumns = 256;
// What a task reads at most: the processor foresees a stream after some KiB of it, so many short ones are
// read more slowly (int8 lines of 896 on a core of an EPYC (Zen 3): 8.9 GB/s by 32 columns, 11.4 by 128, 12.5
// by 256).
constexpr std::int64_t kTaskBytes = std::int64_t{256} << 10;
// Fewer tasks for each thread than this, and they wait long for the last one.
constexpr std::int64_t kTasksOfThread = 6;
// Rows of A that share one load of B.
constexpr int kRowsAtOnce = 4;
// Columns, or rows, of B that are read at once. Far apart, each is a stream of its own to the processor, and
// four of them keep more reads in flight than one: 22 against 19 GB/s on two cores of an EPYC (Zen 3). Side
// by side in one page they are read at half the speed.
constexpr int kStreams = 4;
// What one part reads: half a MiB of float32, against which its sums are little.
constexpr std::int64_t kPartElements = std::int64_t{128} << 10;
constexpr std::int64_t kSmallPartElements = std::int64_t{16} << 10;
constexpr std::int64_t kFewParts = 8;
/// Columns of a part: its sums stay in the second-level cache.
constexpr std::int64_t kPartColumns = 4096;

[[nodiscard]] ATTUNE_INLINE std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

enum class Way : std::uint8_t { columns, rows, strided };

[[nodiscard]] Way way_of(const Product& product) {
  if (product.b.row_stride == 1) return Way::columns;
  return product.b.column_stride == 1 ? Way::rows : Way::strided;
}

/// Whether A is read where it lies, in pairs of bfloat16: it is not packed as floats.
[[nodiscard]] bool multiplies_pairs([[maybe_unused]] const Product& product) {
#if defined(ATTUNE_BF16_PAIRS)
  const Matrix& a = product.a;
  return way_of(product) == Way::columns && a.dtype == DType::bf16 && product.b.dtype == DType::bf16 &&
         a.column_stride == 1 && product.alpha == 1.0F;
#else
  return false;
#endif
}

// ---- columns contiguous

template <class Lines>
using FactorOf = typename Lines::Factors::Element;

/// sums[r * kColumns + c * step] += the sum of vector (r, c).
template <int kRows, int kAtOnce>
ATTUNE_INLINE void add_reduced(const Vec (&vectors)[kRows][kAtOnce], float* sums, std::int64_t step) {
#if defined(ATTUNE_AVX512)
  if constexpr (kRows == 4 && kAtOnce == 4) {
    alignas(64) float reduced[16];
    store(reduced, reduce_add(vectors));
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) sums[i / 4 * kColumns + i % 4 * step] += reduced[i];
    return;
  }
#endif
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < kAtOnce; ++c) sums[r * kColumns + c * step] += reduce_add(vectors[r][c]);
  }
}

/// Which of the passes over the same lines this is, each with other rows.
struct Pass {
  std::int64_t index = 0;
  std::int64_t count = 1;
};

/// sums[r * kColumns + c * step] += row r of a . line `first + c * step`, for kRows rows and kAtOnce lines.
template <int kRows, int kAtOnce, class Lines>
ATTUNE_INLINE void dot_lines(const FactorOf<Lines>* a, std::int64_t a_stride, const Lines& b,
                             std::int64_t first, std::int64_t step, std::int64_t depth, Pass pass,
                             float* sums) {
  using Run = typename Lines::Run;
  using Factors = typename Lines::Factors;
  Vec sum[kRows][kAtOnce];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < kAtOnce; ++c) sum[r][c] = zero();
  }
  // The length is a constant where it is a block's, so that the compiler lays the block out whole.
  const auto multiply = [&](std::int64_t block, std::int64_t count) {
    Run runs[kAtOnce] = {b.run(first, block)};
#pragma GCC unroll 4
    for (int c = 1; c < kAtOnce; ++c) runs[c] = b.run(first + c * step, block);
    // Of several passes each brings a part of the lines that come next: the first would wait for all of them.
    if (pass.count > 1) {
      const std::int64_t ahead = (pass.index * depth + block) / pass.count;
#pragma GCC unroll 4
      for (int c = 0; c < kAtOnce; ++c) b.ask(first + c * step + 1, ahead);
    }
    const FactorOf<Lines>* from = a + block;
    std::int64_t k = 0;
    for (; k + Factors::kStep <= count; k += Factors::kStep) {
      Vec row[kRows];
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) row[r] = Factors::at(from + r * a_stride + k);
#pragma GCC unroll 4
      for (int c = 0; c < kAtOnce; ++c) {
        if (pass.count == 1) runs[c].ask(k);
        const Vec column = runs[c].at(k);
#pragma GCC unroll 4
        for (int r = 0; r < kRows; ++r) sum[r][c] = Factors::multiply_add(row[r], column, sum[r][c]);
      }
    }
    if (k == count) return;
#pragma GCC unroll 4
    for (int c = 0; c < kAtOnce; ++c) {
      const Vec column = runs[c].partial(k, count - k);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const Vec row = Factors::partial(from + r * a_stride + k, count - k);
        sum[r][c] = Factors::multiply_add(row, column, sum[r][c]);
      }
    }
  };
  std::int64_t block = 0;
  for (; block + kQuantizedBlock <= depth; block += kQuantizedBlock) multiply(block, kQuantizedBlock);
  if (block < depth) multiply(block, depth - block);
  add_reduced<kRows, kAtOnce>(sum, sums, step);
}

/// As many sums as registers hold: 16 of 16 would leave none for what is multiplied.
template <int kRows, class Lines>
ATTUNE_INLINE void dot_streams(const FactorOf<Lines>* a, std::int64_t a_stride, const Lines& b,
                               std::int64_t first, std::int64_t step, std::int64_t depth, Pass pass,
                               float* sums) {
  if constexpr (kRows <= 2 || Vec::kWidth == 16) {
    dot_lines<kRows, kStreams>(a, a_stride, b, first, step, depth, pass, sums);
  } else {
    dot_lines<kRows, kStreams / 2>(a, a_stride, b, first, step, depth, pass, sums);
    dot_lines<kRows, kStreams / 2>(a, a_stride, b, first + 2 * step, step, depth, pass, sums + 2 * step);
  }
}

template <class Lines>
ATTUNE_INLINE void dot_rows(const FactorOf<Lines>* a, std::int64_t rows, std::int64_t a_stride,
                            const Lines& b, std::int64_t first, std::int64_t step, std::int64_t depth,
                            float* sums) {
  for (std::int64_t r = 0; r < rows; r += kRowsAtOnce) {
    const FactorOf<Lines>* from = a + r * a_stride;
    float* to = sums + r * kColumns;
    const Pass pass{r / kRowsAtOnce, ceil_divide(rows, kRowsAtOnce)};
    switch (rows - r) {
      case 1:
        dot_streams<1>(from, a_stride, b, first, step, depth, pass, to);
        break;
      case 2:
        dot_streams<2>(from, a_stride, b, first, step, depth, pass, to);
        break;
      case 3:
        dot_streams<3>(from, a_stride, b, first, step, depth, pass, to);
        break;
      default:
        dot_streams<kRowsAtOnce>(from, a_stride, b, first, step, depth, pass, to);
    }
  }
}

/// Where a product's rows of A are, and how many.
template <class T>
struct RowsOf {
  const T* data = nullptr;
  std::int64_t stride = 0;
  std::int64_t count = 0;
};
using Rows = RowsOf<float>;

template <class Lines>
void dot(const RowsOf<FactorOf<Lines>>& a, const Lines& b, std::int64_t columns, std::int64_t depth,
         float* sums) {
  const std::int64_t step = columns / kStreams;
  for (std::int64_t j = 0; j < step; ++j) dot_rows(a.data, a.count, a.stride, b, j, step, depth, sums + j);
  for (std::int64_t j = kStreams * step; j < columns; ++j) {
    for (std::int64_t r = 0; r < a.count; ++r)
      dot_lines<1, 1>(a.data + r * a.stride, a.stride, b, j, 1, depth, {}, sums + r * kColumns + j);
  }
}

/// Columns whose blocks begin anywhere, as floats in `unpacked` (kStreams, depth) on their way.
void dot_unpacked(const Rows& a, const Matrix& b, std::int64_t column, std::int64_t columns,
                  std::int64_t depth, float* unpacked, float* sums) {
  const QuantizedView view = view_quantized(b.dtype, b.data, b.elements);
  for (std::int64_t j = 0; j < columns; j += kStreams) {
    const std::int64_t count = least(kStreams, columns - j);
    for (std::int64_t c = 0; c < count; ++c)
      unpack(view, (column + j + c) * b.column_stride, depth, unpacked + c * depth);
    dot(a, PlainLines<float>{unpacked, depth}, count, depth, sums + j);
  }
}

void add_dots(const Rows& a, const Product& product, std::int64_t column, std::int64_t columns,
              float* unpacked, float* sums) {
  const Matrix& b = product.b;
#if defined(ATTUNE_BF16_PAIRS)
  if (multiplies_pairs(product)) {
    const PlainLines<bfloat16> lines = plain_lines<bfloat16>(b, column, 0);
    const RowsOf<bfloat16> rows{static_cast<const bfloat16*>(product.a.data), product.a.row_stride, a.count};
    dot(rows, PairLines{lines.data, lines.stride}, columns, product.depth, sums);
    return;
  }
#endif
  if (unpacks(b, product.depth)) {
    dot_unpacked(a, b, column, columns, product.depth, unpacked, sums);
  } else if (b.dtype == DType::int8) {
    dot(a, int8_lines(b, column, 0), columns, product.depth, sums);
  } else if (b.dtype == DType::bf16) {
    dot(a, plain_lines<bfloat16>(b, column, 0), columns, product.depth, sums);
  } else {
    dot(a, plain_lines<float>(b, column, 0), columns, product.depth, sums);
  }
}

// ---- rows contiguous

/// How a product whose rows of B are contiguous is cut: every part has its own sums (M, columns).
struct Parts {
  EvenSplit depth;
  EvenSplit blocks;  ///< of kQuantizedBlock columns -> ranges
  std::int64_t columns = 0;

  [[nodiscard]] ATTUNE_INLINE std::int64_t count() const { return depth.parts * blocks.parts; }
  [[nodiscard]] ATTUNE_INLINE std::int64_t begin(std::int64_t range) const {
    return least(columns, blocks.begin(range) * kQuantizedBlock);
  }
};

[[nodiscard]] Parts parts_of(const Gemm& gemm, const Product& product) {
  const std::int64_t columns = gemm.columns;
  const EvenSplit blocks = split_by(ceil_divide(columns, kQuantizedBlock), kPartColumns / kQuantizedBlock);
  const std::int64_t elements = product.depth * columns;
  std::int64_t parts = ceil_divide(ceil_divide(elements, kPartElements), blocks.parts);
  if (parts < kFewParts) parts = least(kFewParts, ceil_divide(elements, kSmallPartElements));
  parts = least(parts, product.depth);
  return {{product.depth, parts < 1 ? 1 : parts}, blocks, columns};
}

/// sums (kRows, sum_stride) += a[:, lines] . lines of B, columns [0, columns): kAtOnce lines `step` apart.
template <int kRows, int kAtOnce, class Lines>
ATTUNE_INLINE void add_lines(const float* a, std::int64_t a_stride, const Lines& b, std::int64_t first,
                             std::int64_t step, std::int64_t columns, float* sums, std::int64_t sum_stride) {
  using Run = typename Lines::Run;
  Vec factor[kRows][kAtOnce];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int l = 0; l < kAtOnce; ++l) factor[r][l] = broadcast(a[r * a_stride + first + l * step]);
  }
  for (std::int64_t block = 0; block < columns; block += kQuantizedBlock) {
    Run runs[kAtOnce] = {b.run(first, block)};
#pragma GCC unroll 4
    for (int l = 1; l < kAtOnce; ++l) runs[l] = b.run(first + l * step, block);
    const std::int64_t count = least(kQuantizedBlock, columns - block);
    std::int64_t j = 0;
    for (; j + Vec::kWidth <= count; j += Vec::kWidth) {
      Vec line[kAtOnce];
#pragma GCC unroll 4
      for (int l = 0; l < kAtOnce; ++l) {
        runs[l].ask(j);
        line[l] = runs[l].at(j);
      }
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        float* to = sums + r * sum_stride + block + j;
        Vec sum = load(to);
#pragma GCC unroll 4
        for (int l = 0; l < kAtOnce; ++l) sum = fma(factor[r][l], line[l], sum);
        store(to, sum);
      }
    }
    if (j == count) continue;
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      float* to = sums + r * sum_stride + block + j;
      Vec sum = load_partial(to, count - j);
#pragma GCC unroll 4
      for (int l = 0; l < kAtOnce; ++l) sum = fma(factor[r][l], runs[l].partial(j, count - j), sum);
      store_partial(to, sum, count - j);
    }
  }
}

/// The same for lines [first, first + lines).
template <int kRows, class Lines>
void scale_lines(const Rows& a, const Lines& b, std::int64_t first, std::int64_t lines, std::int64_t columns,
                 float* sums, std::int64_t sum_stride) {
  const std::int64_t step = lines / kStreams;
  for (std::int64_t i = 0; i < step; ++i)
    add_lines<kRows, kStreams>(a.data, a.stride, b, first + i, step, columns, sums, sum_stride);
  for (std::int64_t i = kStreams * step; i < lines; ++i)
    add_lines<kRows, 1>(a.data, a.stride, b, first + i, 1, columns, sums, sum_stride);
}

template <int kRows>
void scale_unpacked(const Rows& a, const Matrix& b, std::int64_t first, std::int64_t lines,
                    std::int64_t column, std::int64_t columns, float* unpacked, float* sums,
                    std::int64_t sum_stride) {
  const QuantizedView view = view_quantized(b.dtype, b.data, b.elements);
  const std::int64_t step = lines / kStreams;
  for (std::int64_t i = 0; i < lines; ++i) {
    // In the order of scale_lines, so that the bits are the same.
    const bool far = i < kStreams * step;
    const std::int64_t line = first + (far ? i % kStreams * step + i / kStreams : i);
    unpack(view, line * b.row_stride + column, columns, unpacked);
    const Rows factors{a.data + line, a.stride, a.count};
    scale_lines<kRows>(factors, PlainLines<float>{unpacked, columns}, 0, 1, columns, sums, sum_stride);
  }
}

template <int kRows>
void scale_part(const Rows& a, const Product& product, const Parts& parts, std::int64_t part, float* unpacked,
                float* sums) {
  const Matrix& b = product.b;
  const std::int64_t range = part % parts.blocks.parts;
  const std::int64_t depth_part = part / parts.blocks.parts;
  const std::int64_t first = parts.depth.begin(depth_part);
  const std::int64_t lines = parts.depth.begin(depth_part + 1) - first;
  const std::int64_t column = parts.begin(range);
  const std::int64_t columns = parts.begin(range + 1) - column;
  float* to = sums + depth_part * kRows * parts.columns + column;
  for (int r = 0; r < kRows; ++r) {
    for (std::int64_t j = 0; j < columns; ++j) to[r * parts.columns + j] = 0.0F;
  }
  if (unpacks(b, parts.columns)) {
    scale_unpacked<kRows>(a, b, first, lines, column, columns, unpacked, to, parts.columns);
  } else if (b.dtype == DType::int8) {
    scale_lines<kRows>(a, int8_lines(b, 0, column), first, lines, columns, to, parts.columns);
  } else if (b.dtype == DType::bf16) {
    scale_lines<kRows>(a, plain_lines<bfloat16>(b, 0, column), first, lines, columns, to, parts.columns);
  } else {
    scale_lines<kRows>(a, plain_lines<float>(b, 0, column), first, lines, columns, to, parts.columns);
  }
}

using ScalePart = void (*)(const Rows&, const Product&, const Parts&, std::int64_t, float*, float*);
constexpr ScalePart kScalePart[kStreamingRows] = {scale_part<1>, scale_part<2>, scale_part<3>, scale_part<4>};

void add_parts(const float* part_sums, const Parts& parts, std::int64_t rows, const Rectangle& place,
               float* sums) {
  for (std::int64_t part = 0; part < parts.depth.parts; ++part) {
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* from = part_sums + (part * rows + r) * parts.columns + place.column;
      float* to = sums + r * kColumns;
      for (std::int64_t j = 0; j < place.columns; ++j) to[j] += from[j];
    }
  }
}

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
      sums[i * kColumns + j] += sum;
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
  const std::int64_t times = least(least(long_enough, enough_tasks), kColumns / kFewColumns);
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
          whole_cache_lines(rows ? least(gemm.columns, kPartColumns) : kStreams * product.depth);
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
        kScalePart[gemm.rows - 1](rows, product, parts, part, unpacked + thread * layout.unpacked, next);
      });
    }
    before += product.depth;
    next += layout.sums[p];
  }

  const std::int64_t across = columns_of_task(gemm, pool.threads());
  pool.run(ceil_divide(gemm.columns, across), [&](std::int64_t task, int thread) {
    const std::int64_t column = task * across;
    const Rectangle place{0, column, gemm.rows, least(across, gemm.columns - column)};
    alignas(64) float sums[kStreamingDotRows * kColumns];
    for (std::int64_t i = 0; i < gemm.rows; ++i) {
      for (std::int64_t j = 0; j < place.columns; ++j) sums[i * kColumns + j] = 0.0F;
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
           kColumns);
  });
}

}  // namespace attune::cpu::ATTUNE_ISA
