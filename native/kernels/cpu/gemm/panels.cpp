// Panels from any matrix, depth slowest. bfloat16 is widened here, once per packing, unless it stays in
// pairs.

#include "kernels/cpu/gemm/panels.h"

#include "kernels/cpu/gemm/panel_source.h"
#include "kernels/cpu/quantized.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

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
template <class Source>
ATTUNE_INLINE void pack_depths(const Panel& panel, const Source& source, std::int64_t k, std::int64_t end,
                               std::int64_t readable) {
  const std::int64_t first = panel.begin;
  const NarrowStore narrow{panel.width, panel.depth};
  // Rows of the source are far apart: nothing but these calls asks for the next ones.
  const std::int64_t ahead = k + kDepths;
  float* to = panel.out + k * panel.width;
  if (end - k == kDepths && panel.count == kTileColumns && panel.width == kTileColumns) {
#pragma GCC unroll 4
    for (std::int64_t i = 0; i < kDepths; ++i) {
      source.prefetch_across(first, ahead + i);
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; ++v)
        store(to + i * kTileColumns + v * Vec::kWidth, source.across(first + v * Vec::kWidth, k + i));
    }
    return;
  }
  if (end - k == kDepths && panel.width < Vec::kWidth && readable >= Vec::kWidth && narrow.whole(end - 1)) {
#pragma GCC unroll 4
    for (std::int64_t i = 0; i < kDepths; ++i) {
      source.prefetch_across(first, ahead + i);
      store(to + i * panel.width, source.across(first, k + i));
    }
    return;
  }
  for (std::int64_t j = 0; j < panel.width; j += Vec::kWidth) {
    const std::int64_t in = lanes_left(panel.count, j);
    const std::int64_t out = lanes_left(panel.width, j);
    for (std::int64_t i = 0; i < end - k; ++i) {
      const Vec row = source.across(first + j, k + i, in);
      if (panel.width < Vec::kWidth && narrow.whole(k + i)) {
        store(to + i * panel.width, row);
      } else {
        store_partial(to + i * panel.width + j, row, out);
      }
    }
  }
}

#if defined(ATTUNE_AVX512)
/// Whether a panel is half a vector wide, all of it from the source.
ATTUNE_INLINE bool is_half(const Panel& panel) {
  return panel.width == Vec::kWidth / 2 && panel.count == panel.width;
}

/// Depths [k, end) of two such panels, one beside the other in the source.
template <class Source>
ATTUNE_INLINE void pack_depths_of_two(const Panel& left, const Panel& right, const Source& source,
                                      std::int64_t k, std::int64_t end) {
  for (; k < end; ++k) {
    source.prefetch_across(left.begin, k + kDepths);
    store_halves(left.out + k * left.width, right.out + k * left.width, source.across(left.begin, k));
  }
}
#endif

/// Neighbours across the panels are neighbours in memory: rows of vectors. All panels a few depths at a time,
/// as the source has them side by side: panel after panel, each would fetch the same lines and pages again.
template <class Source>
void pack_rows(std::span<const Panel> panels, std::int64_t across, const Source& from) {
  const Source source = from;
  const std::int64_t depth = panels[0].depth;
  for (std::int64_t k = 0; k < depth; k += kDepths) {
    const std::int64_t end = k + kDepths < depth ? k + kDepths : depth;
    std::span<const Panel> left = panels;
#if defined(ATTUNE_AVX512)
    for (; left.size() > 1 && is_half(left[0]) && is_half(left[1]); left = left.subspan(2))
      pack_depths_of_two(left[0], left[1], source, k, end);
#endif
    for (const Panel& panel : left) pack_depths(panel, source, k, end, across - panel.begin);
  }
}

/// kWidth lanes of kWidth steps from (j, k) on, transposed in registers.
template <class Source>
ATTUNE_INLINE void pack_square(const Source& source, std::int64_t j, std::int64_t k, float* to,
                               std::int64_t width) {
  Vec square[Vec::kWidth];
#pragma GCC unroll 16
  for (int i = 0; i < Vec::kWidth; ++i) square[i] = source.along(j + i, k);
  transpose(square);
#pragma GCC unroll 16
  for (int i = 0; i < Vec::kWidth; ++i) store(to + i * width, square[i]);
}

#if defined(ATTUNE_AVX512)
/// Half as many lanes, of a panel that has no more.
template <class Source>
ATTUNE_INLINE void pack_half_square(const Source& source, std::int64_t j, std::int64_t k, float* to) {
  Vec rows[Vec::kWidth / 2];
#pragma GCC unroll 8
  for (int i = 0; i < Vec::kWidth / 2; ++i) rows[i] = source.along(j + i, k);
  transpose(rows);
#pragma GCC unroll 8
  for (int i = 0; i < Vec::kWidth / 2; ++i) store(to + i * Vec::kWidth, rows[i]);
}
#endif

/// A square that is not whole: `in` lanes and `deep` steps of the source, `out` lanes of the panel.
template <class Source>
void pack_part_of_square(const Panel& panel, const Source& source, std::int64_t j, std::int64_t k) {
  const NarrowStore narrow{panel.width, panel.depth};
  const std::int64_t in = lanes_left(panel.count, j);
  const std::int64_t out = lanes_left(panel.width, j);
  const std::int64_t deep = lanes_left(panel.depth, k);
  float* const to = panel.out + k * panel.width + j;
  Vec square[Vec::kWidth];
#pragma GCC unroll 16
  for (int i = 0; i < Vec::kWidth; ++i)
    square[i] = i < in ? source.along(panel.begin + j + i, k, deep) : zero();
  transpose(square);
#pragma GCC unroll 16
  for (int i = 0; i < Vec::kWidth; ++i) {
    if (i >= deep) continue;
    if (out == Vec::kWidth || (j == 0 && narrow.whole(k + i))) {
      store(to + i * panel.width, square[i]);
    } else {
      store_partial(to + i * panel.width, square[i], out);
    }
  }
}

/// The panel that comes next has other rows, which begin where nobody would guess. Inlined: GCC takes a
/// function that does nothing but prefetch for one without effects, and leaves its calls out.
template <class Source>
ATTUNE_INLINE void bring_next(const Panel& panel, const Source& source, std::int64_t k) {
  const std::int64_t next = panel.begin + panel.count;
  for (std::int64_t i = 0; i < panel.count; ++i) source.prefetch_along(next + i, k);
}

/// A panel of one row, which is that row.
template <class Source>
void copy_row(const Panel& panel, const Source& source) {
  std::int64_t k = 0;
  for (; k + Vec::kWidth <= panel.depth; k += Vec::kWidth) store(panel.out + k, source.along(panel.begin, k));
  const std::int64_t left = panel.depth - k;
  if (left > 0) store_partial(panel.out + k, source.along(panel.begin, k, left), left);
}

/// Neighbours in depth are neighbours in memory.
template <class Source>
void pack_columns(const Panel& of, const Source& from) {
  const Panel panel = of;
  const Source source = from;
  const std::int64_t first = panel.begin;
  const std::int64_t whole = panel.depth / Vec::kWidth * Vec::kWidth;
  for (std::int64_t j = 0; j < panel.width; j += Vec::kWidth) {
    std::int64_t k = 0;
    if (panel.count - j >= Vec::kWidth) {
      for (; k < whole; k += Vec::kWidth) {
        if (j == 0) bring_next(panel, source, k);
        pack_square(source, first + j, k, panel.out + k * panel.width + j, panel.width);
      }
#if defined(ATTUNE_AVX512)
    } else if (is_half(panel)) {
      for (; k < whole; k += Vec::kWidth) {
        bring_next(panel, source, k);
        pack_half_square(source, first, k, panel.out + k * panel.width);
      }
#endif
    }
    for (; k < panel.depth; k += Vec::kWidth) {
      if (j == 0) bring_next(panel, source, k);
      pack_part_of_square(panel, source, j, k);
    }
  }
}

template <class Source>
void pack_strided(const Panel& panel, const Source& source) {
  for (std::int64_t k = 0; k < panel.depth; ++k) {
    float* to = panel.out + k * panel.width;
    for (std::int64_t j = 0; j < panel.width; ++j)
      store_partial(to + j, j < panel.count ? source.lane(panel.begin + j, k) : zero(), 1);
  }
}

template <class Source>
void pack(const Panels& all, const Source& source) {
  if (source.stride == 1) {
    pack_rows(all.panels(), all.across(), source);
    return;
  }
  for (const Panel& panel : all.panels()) {
    if (source.depth_stride == 1 && panel.width == 1) {
      copy_row(panel, source);
    } else if (source.depth_stride == 1) {
      pack_columns(panel, source);
    } else {
      pack_strided(panel, source);
    }
  }
}

template <class T>
Elements<T> elements_of(const Panels& all, const Matrix& matrix, std::int64_t offset, std::int64_t stride,
                        std::int64_t depth_stride) {
  return {static_cast<const T*>(matrix.data) + offset, stride, depth_stride, all.panels()[0].alpha};
}

#if defined(ATTUNE_BF16_PAIRS)
/// Whole pairs as any lanes; then a last depth that has none beside it, and zeros.
template <class Source>
void pack(const Panels& all, const Source& source, std::int64_t depths) {
  const std::int64_t steps = all.panels()[0].depth;
  const std::int64_t whole = depths / 2 < steps ? depths / 2 : steps;
  Panels pairs(all.across());
  for (Panel panel : all.panels()) {
    panel.depth = whole;
    pairs.add(panel);
  }
  pack(pairs, source);
  for (const Panel& panel : all.panels()) {
    for (std::int64_t k = whole; k < steps; ++k) {
      const bool single = 2 * k + 1 == depths;
      for (std::int64_t j = 0; j < panel.width; ++j) {
        const Vec lane = single && j < panel.count ? source.single(panel.begin + j, k) : zero();
        store_partial(panel.out + k * panel.width + j, lane, 1);
      }
    }
  }
}
#endif

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
      pack_rows(std::span(&part, 1), panel.count, Elements<float>(unpacked, 1, kTileColumns, panel.alpha));
    } else {
      for (std::int64_t j = 0; j < panel.count; ++j)
        unpack(view, offset + j * stride + k, deep, unpacked + j * kQuantizedBlock);
      pack_columns(part, Elements<float>(unpacked, kQuantizedBlock, 1, panel.alpha));
    }
  }
}

}  // namespace

void pack_panels(const Panels& all, const Matrix& matrix, std::int64_t offset, std::int64_t stride,
                 std::int64_t depth_stride) {
  if (is_quantized(matrix.dtype)) {
    for (const Panel& panel : all.panels()) {
      pack_quantized(panel, matrix, offset + panel.begin * stride, stride, depth_stride);
    }
  } else if (matrix.dtype == DType::bf16) {
    pack(all, elements_of<bfloat16>(all, matrix, offset, stride, depth_stride));
  } else {
    pack(all, elements_of<float>(all, matrix, offset, stride, depth_stride));
  }
}

#if defined(ATTUNE_BF16_PAIRS)

void pack_pairs(const Panels& all, const Matrix& matrix, std::int64_t offset, std::int64_t stride,
                std::int64_t depth_stride, std::int64_t depths) {
  const bfloat16* const source = static_cast<const bfloat16*>(matrix.data) + offset;
  const float scale = all.panels()[0].alpha;
  if (scale == 1.0F) {
    pack(all, Pairs<false>(source, stride, depth_stride, scale), depths);
  } else {
    pack(all, Pairs<true>(source, stride, depth_stride, scale), depths);
  }
}

#endif

}  // namespace attune::cpu::ATTUNE_ISA
