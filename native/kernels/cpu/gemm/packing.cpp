// out[k * width + j] = alpha * source(j, k) for j < count, 0 for count <= j < width: a panel, depth slowest.
// source: float32 or bfloat16 with any two strides, or quantised with neighbours along one axis; out:
// float32. bfloat16 is widened here, once per packing, unless it stays in pairs (pair_packing.cpp).

#include "kernels/cpu/gemm/packing.h"

#include <span>

#include "kernels/cpu/gemm/pair_packing.h"
#include "kernels/cpu/quantized.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

struct Panel {
  float* out = nullptr;
  std::int64_t begin = 0;  ///< across the source
  std::int64_t width = 0;  ///< elements between two depths of out
  std::int64_t count = 0;  ///< elements of a depth that come from the source
  std::int64_t depth = 0;
  float alpha = 1.0F;
};

/// Panels beside one another in the source, behind one another in memory.
class Panels {
 public:
  static constexpr std::int64_t kMost = 16;

  explicit Panels(std::int64_t across) : across_(across) {}
  void add(const Panel& panel) { panels_[count_++] = panel; }
  [[nodiscard]] std::span<const Panel> panels() const { return {panels_, count_}; }
  /// Elements of the whole source.
  [[nodiscard]] std::int64_t across() const { return across_; }

 private:
  Panel panels_[kMost];
  std::size_t count_ = 0;
  std::int64_t across_;
};

ATTUNE_INLINE std::int64_t lanes_left(std::int64_t total, std::int64_t done) {
  const std::int64_t left = total - done;
  return left < 0 ? 0 : (left < Vec::kWidth ? left : Vec::kWidth);
}

/// Where a panel's depths are narrower than vectors: whole vectors are stored, and the next depth overwrites
/// what is too much. Masked stores are slow on many processors.
struct NarrowStore {
  std::int64_t width = 0;
  std::int64_t depth = 0;

  /// Whether depth k may be stored as a whole vector: there are so many lanes behind it in the same panel.
  [[nodiscard]] ATTUNE_INLINE bool whole(std::int64_t k) const { return (depth - k) * width >= Vec::kWidth; }
};

/// Depths of a panel that are written before those of the panel beside it.
constexpr std::int64_t kDepths = 4;

/// Depths [k, end) of one panel, end - k <= kDepths. `readable`: elements of the source from its first on.
template <class T>
ATTUNE_INLINE void pack_depths(const Panel& panel, const T* source, std::int64_t depth_stride, std::int64_t k,
                               std::int64_t end, std::int64_t readable) {
  const Vec alpha = broadcast(panel.alpha);
  const NarrowStore narrow{panel.width, panel.depth};
  const T* from = source + k * depth_stride;
  // Rows of the source are far apart: nothing but these calls asks for the next ones.
  const T* ahead = from + kDepths * depth_stride;
  float* to = panel.out + k * panel.width;
  if (end - k == kDepths && panel.count == kTileColumns && panel.width == kTileColumns) {
#pragma GCC unroll 4
    for (std::int64_t i = 0; i < kDepths; ++i) {
      prefetch(ahead + i * depth_stride);
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; ++v) {
        const T* vector = from + i * depth_stride + v * Vec::kWidth;
        store(to + i * kTileColumns + v * Vec::kWidth, alpha * load(vector));
      }
    }
    return;
  }
  if (end - k == kDepths && panel.width < Vec::kWidth && readable >= Vec::kWidth && narrow.whole(end - 1)) {
#pragma GCC unroll 4
    for (std::int64_t i = 0; i < kDepths; ++i) {
      prefetch(ahead + i * depth_stride);
      store(to + i * panel.width, alpha * load(from + i * depth_stride));
    }
    return;
  }
  for (std::int64_t j = 0; j < panel.width; j += Vec::kWidth) {
    const std::int64_t in = lanes_left(panel.count, j);
    const std::int64_t out = lanes_left(panel.width, j);
    for (std::int64_t i = 0; i < end - k; ++i) {
      const Vec row = alpha * load_partial(from + i * depth_stride + j, in);
      if (panel.width < Vec::kWidth && narrow.whole(k + i)) {
        store(to + i * panel.width, row);
      } else {
        store_partial(to + i * panel.width + j, row, out);
      }
    }
  }
}

/// Neighbours across the panels are neighbours in memory: rows of vectors. All panels a few depths at a time,
/// as the source has them side by side: panel after panel, each would fetch the same lines and pages again.
template <class T>
void pack_rows(std::span<const Panel> panels, std::int64_t across, const T* source,
               std::int64_t depth_stride) {
  const std::int64_t depth = panels[0].depth;
  for (std::int64_t k = 0; k < depth; k += kDepths) {
    const std::int64_t end = k + kDepths < depth ? k + kDepths : depth;
    for (const Panel& panel : panels)
      pack_depths(panel, source + panel.begin, depth_stride, k, end, across - panel.begin);
  }
}

/// Neighbours in depth are neighbours in memory: squares, transposed in registers.
template <class T>
void pack_columns(const Panel& panel, const T* source, std::int64_t stride) {
  const Vec alpha = broadcast(panel.alpha);
  const NarrowStore narrow{panel.width, panel.depth};
  for (std::int64_t j = 0; j < panel.width; j += Vec::kWidth) {
    const std::int64_t in = lanes_left(panel.count, j);
    const std::int64_t out = lanes_left(panel.width, j);
    const bool fits = out == Vec::kWidth;
    for (std::int64_t k = 0; k < panel.depth; k += Vec::kWidth) {
      const std::int64_t deep = lanes_left(panel.depth, k);
      const T* from = source + j * stride + k;
      float* to = panel.out + k * panel.width + j;
      // The panel that comes next has other rows, which begin where nobody would guess.
      if (j == 0) {
        for (std::int64_t i = 0; i < panel.count; ++i) prefetch(from + (panel.count + i) * stride);
      }
      Vec square[Vec::kWidth];
      if (deep == Vec::kWidth) {
#pragma GCC unroll 16
        for (int i = 0; i < Vec::kWidth; ++i) square[i] = i < in ? alpha * load(from + i * stride) : zero();
      } else {
#pragma GCC unroll 16
        for (int i = 0; i < Vec::kWidth; ++i) {
          square[i] = i < in ? alpha * load_partial(from + i * stride, deep) : zero();
        }
      }
      transpose(square);
      if (deep == Vec::kWidth && (fits || (j == 0 && narrow.whole(k + Vec::kWidth - 1)))) {
#pragma GCC unroll 16
        for (int i = 0; i < Vec::kWidth; ++i) store(to + i * panel.width, square[i]);
        continue;
      }
#pragma GCC unroll 16
      for (int i = 0; i < Vec::kWidth; ++i) {
        if (i < deep) store_partial(to + i * panel.width, square[i], out);
      }
    }
  }
}

template <class T>
void pack_strided(const Panel& panel, const T* source, std::int64_t stride, std::int64_t depth_stride) {
  for (std::int64_t k = 0; k < panel.depth; ++k) {
    float* to = panel.out + k * panel.width;
    for (std::int64_t j = 0; j < panel.count; ++j)
      to[j] = panel.alpha * to_float(source[j * stride + k * depth_stride]);
    for (std::int64_t j = panel.count; j < panel.width; ++j) to[j] = 0.0F;
  }
}

/// `source`: element 0 across.
template <class T>
void pack(const Panels& all, const T* source, std::int64_t stride, std::int64_t depth_stride) {
  if (stride == 1) {
    pack_rows(all.panels(), all.across(), source, depth_stride);
    return;
  }
  for (const Panel& panel : all.panels()) {
    const T* const from = source + panel.begin * stride;
    if (depth_stride == 1) {
      pack_columns(panel, from, stride);
    } else {
      pack_strided(panel, from, stride, depth_stride);
    }
  }
}

/// A part of the depth at a time as floats, which stay in the first-level cache on their way.
void pack_quantized(const Panel& panel, const Matrix& matrix, std::int64_t offset, std::int64_t stride,
                    std::int64_t depth_stride) {
  alignas(64) float unpacked[kTileColumns * kQuantizedBlock];
  const QuantizedView view = view_quantized(matrix.dtype, matrix.data, matrix.elements);
  for (std::int64_t k = 0; k < panel.depth; k += kQuantizedBlock) {
    const std::int64_t left = panel.depth - k;
    const std::int64_t deep = left < kQuantizedBlock ? left : kQuantizedBlock;
    const Panel part{panel.out + k * panel.width, 0, panel.width, panel.count, deep, panel.alpha};
    if (stride == 1) {
      for (std::int64_t i = 0; i < deep; ++i)
        unpack(view, offset + (k + i) * depth_stride, panel.count, unpacked + i * kTileColumns);
      pack_rows(std::span(&part, 1), panel.count, unpacked, kTileColumns);
    } else {
      for (std::int64_t j = 0; j < panel.count; ++j)
        unpack(view, offset + j * stride + k, deep, unpacked + j * kQuantizedBlock);
      pack_columns(part, unpacked, kQuantizedBlock);
    }
  }
}

/// `offset`: of element 0 across at the first depth.
void pack(const Panels& all, const Matrix& matrix, std::int64_t offset, std::int64_t stride,
          std::int64_t depth_stride) {
  if (is_quantized(matrix.dtype)) {
    for (const Panel& panel : all.panels()) {
      pack_quantized(panel, matrix, offset + panel.begin * stride, stride, depth_stride);
    }
  } else if (matrix.dtype == DType::bf16) {
    pack(all, static_cast<const bfloat16*>(matrix.data) + offset, stride, depth_stride);
  } else {
    pack(all, static_cast<const float*>(matrix.data) + offset, stride, depth_stride);
  }
}

[[nodiscard]] ATTUNE_INLINE std::int64_t steps_of(const Product& product, Lane lane) {
  return lane == Lane::bf16_pair ? ceil_divide(product.depth, 2) : product.depth;
}

/// Calls visit(product, first step within it, steps, steps of the range before it) for each product in the
/// range from the `first` on.
template <class Visit>
ATTUNE_INLINE void for_products(const Gemm& gemm, Lane lane, DepthRange range, int first,
                                const Visit& visit) {
  std::int64_t start = 0;
  for (int p = 0; p < gemm.product_count; ++p) {
    const Product& product = gemm.products[p];
    const std::int64_t begin = range.begin > start ? range.begin : start;
    const std::int64_t stop = start + steps_of(product, lane);
    const std::int64_t end = range.end < stop ? range.end : stop;
    if (p >= first && begin < end) visit(product, begin - start, end - begin, begin - range.begin);
    start = stop;
  }
}

/// Steps [step, step + the panels' depth) of an operand that is `depth` deep.
void pack(const Panels& all, [[maybe_unused]] Lane lane, const Matrix& matrix, std::int64_t stride,
          std::int64_t depth_stride, std::int64_t step, [[maybe_unused]] std::int64_t depth) {
#if defined(ATTUNE_AVX512_BF16)
  if (lane == Lane::bf16_pair) {
    for (const Panel& panel : all.panels()) {
      const std::int64_t left = depth - 2 * step;
      const std::int64_t depths = left < 2 * panel.depth ? left : 2 * panel.depth;
      const std::int64_t offset = panel.begin * stride + 2 * step * depth_stride;
      pack_pairs({panel.out, panel.width, panel.count, depths, panel.alpha},
                 static_cast<const bfloat16*>(matrix.data) + offset, stride, depth_stride);
    }
    return;
  }
#endif
  pack(all, matrix, step * depth_stride, stride, depth_stride);
}

#if defined(ATTUNE_AVX512_BF16)
/// Normal float32 with an empty mantissa.
ATTUNE_INLINE bool is_power_of_two(float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  const std::uint32_t exponent = bits >> 23 & 0xffU;
  return (bits & 0x7fffffU) == 0 && exponent != 0 && exponent != 0xffU;
}
#endif

}  // namespace

Lane choose_lane([[maybe_unused]] const Gemm& gemm) {
#if defined(ATTUNE_AVX512_BF16)
  for (int p = 0; p < gemm.product_count; ++p) {
    const Product& product = gemm.products[p];
    if (product.a.dtype != DType::bf16 || product.b.dtype != DType::bf16) return Lane::f32;
    if (!is_power_of_two(product.alpha)) return Lane::f32;
  }
  return Lane::bf16_pair;
#else
  return Lane::f32;
#endif
}

Operands choose_operands(const Gemm& gemm, Lane lane) {
  // What is read in place has floats with neighbours in memory: in depth for A, in columns for B.
  const auto lies_as_wanted = [](const Matrix& matrix) {
    return matrix.dtype == DType::f32 && matrix.column_stride == 1;
  };
  if (lane != Lane::f32 || gemm.product_count != 1) return Operands::packed;
  if (gemm.columns <= kTileColumns && lies_as_wanted(gemm.products[0].a)) return Operands::a_where_it_lies;
  if (gemm.rows <= kFewRows && lies_as_wanted(gemm.products[0].b)) return Operands::b_where_it_lies;
  return Operands::packed;
}

std::int64_t depth_block(const Gemm& gemm, Lane lane) {
  return choose_operands(gemm, lane) == Operands::a_where_it_lies ? kThinDepthBlock : kDepthBlock;
}

std::int64_t total_depth(const Gemm& gemm, Lane lane) {
  std::int64_t steps = 0;
  for (int p = 0; p < gemm.product_count; ++p) steps += steps_of(gemm.products[p], lane);
  return steps;
}

void pack_a(const Gemm& gemm, Lane lane, DepthRange depth, const RowPanels& rows, float* out, int first) {
  const std::int64_t base = rows.split.begin(rows.begin);
  for (std::int64_t some = rows.begin; some < rows.end; some += Panels::kMost) {
    const std::int64_t end = some + Panels::kMost < rows.end ? some + Panels::kMost : rows.end;
    for_products(gemm, lane, depth, first,
                 [&](const Product& product, std::int64_t step, std::int64_t steps, std::int64_t before) {
                   Panels all(gemm.rows);
                   for (std::int64_t p = some; p < end; ++p) {
                     const std::int64_t row = rows.split.begin(p);
                     const std::int64_t count = rows.split.begin(p + 1) - row;
                     all.add({.out = out + (row - base) * depth.size() + before * count,
                              .begin = rows.row + row,
                              .width = count,
                              .count = count,
                              .depth = steps,
                              .alpha = product.alpha});
                   }
                   pack(all, lane, product.a, product.a.row_stride, product.a.column_stride, step,
                        product.depth);
                 });
  }
}

void pack_b(const Gemm& gemm, Lane lane, DepthRange depth, std::int64_t column, std::int64_t columns,
            float* out, int first) {
  constexpr std::int64_t kSome = Panels::kMost * kTileColumns;
  const bool scaled = choose_operands(gemm, lane) == Operands::a_where_it_lies;
  for (std::int64_t some = 0; some < columns; some += kSome) {
    const std::int64_t end = some + kSome < columns ? some + kSome : columns;
    for_products(gemm, lane, depth, first,
                 [&](const Product& product, std::int64_t step, std::int64_t steps, std::int64_t before) {
                   Panels all(gemm.columns);
                   for (std::int64_t j = some; j < end; j += kTileColumns) {
                     const std::int64_t count = end - j < kTileColumns ? end - j : kTileColumns;
                     const std::int64_t width = ceil_divide(count, Vec::kWidth) * Vec::kWidth;
                     all.add({.out = out + j * depth.size() + before * width,
                              .begin = column + j,
                              .width = width,
                              .count = count,
                              .depth = steps,
                              .alpha = scaled ? product.alpha : 1.0F});
                   }
                   pack(all, lane, product.b, product.b.column_stride, product.b.row_stride, step,
                        product.depth);
                 });
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
