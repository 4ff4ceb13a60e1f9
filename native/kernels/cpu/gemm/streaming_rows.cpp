// C (M, N) for few rows M where B's rows are contiguous: parts of the depth, each a sum of scaled rows, then
// their sum. What a part is depends on the sizes alone.

#include "kernels/cpu/gemm/streaming_rows.h"

#include "kernels/cpu/gemm/lines.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// What one part reads: half a MiB of float32, against which its sums are little.
constexpr std::int64_t kPartElements = std::int64_t{128} << 10;
constexpr std::int64_t kSmallPartElements = std::int64_t{16} << 10;
constexpr std::int64_t kFewParts = 8;

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
    const std::int64_t count = minimum(kQuantizedBlock, columns - block);
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
void scale_part_of(const Rows& a, const Product& product, const Parts& parts, std::int64_t part,
                   float* unpacked, float* sums) {
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
constexpr ScalePart kScalePart[kStreamingRows] = {scale_part_of<1>, scale_part_of<2>, scale_part_of<3>,
                                                  scale_part_of<4>};

}  // namespace

Parts parts_of(const Gemm& gemm, const Product& product) {
  const std::int64_t columns = gemm.columns;
  const EvenSplit blocks = split_by(ceil_divide(columns, kQuantizedBlock), kPartColumns / kQuantizedBlock);
  const std::int64_t elements = product.depth * columns;
  std::int64_t parts = ceil_divide(ceil_divide(elements, kPartElements), blocks.parts);
  if (parts < kFewParts) parts = minimum(kFewParts, ceil_divide(elements, kSmallPartElements));
  parts = minimum(parts, product.depth);
  return {{product.depth, parts < 1 ? 1 : parts}, blocks, columns};
}

void scale_part(const Rows& a, const Product& product, const Parts& parts, std::int64_t part, float* unpacked,
                float* sums) {
  kScalePart[a.count - 1](a, product, parts, part, unpacked, sums);
}

void add_parts(const float* part_sums, const Parts& parts, std::int64_t rows, const Rectangle& place,
               float* sums) {
  for (std::int64_t part = 0; part < parts.depth.parts; ++part) {
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* from = part_sums + (part * rows + r) * parts.columns + place.column;
      float* to = sums + r * kStreamingColumns;
      for (std::int64_t j = 0; j < place.columns; ++j) to[j] += from[j];
    }
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
