// Panels from any matrix, depth slowest. bfloat16 is widened here, once per packing, unless it stays in pairs
// (pair_packing.cpp).

#include "kernels/cpu/gemm/panels.h"

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

}  // namespace

void pack_panels(const Panels& all, const Matrix& matrix, std::int64_t offset, std::int64_t stride,
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

}  // namespace attune::cpu::ATTUNE_ISA
