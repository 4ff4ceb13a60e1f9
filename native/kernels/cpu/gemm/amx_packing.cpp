// out[k * width + j] = (source(j, 2 k), source(j, 2 k + 1)) for j < count, 0 for count <= j < width.
// source: bfloat16 with any two strides; out: pairs of bfloat16, as dot_pairs wants them.
// Nothing is rounded: the scale is a power of two.

#include "kernels/cpu/gemm/pair_packing.h"

#if defined(ATTUNE_AVX512_BF16)

namespace attune::cpu::ATTUNE_ISA {
namespace {

ATTUNE_INLINE std::int64_t at_most(std::int64_t left, std::int64_t limit) {
  return left < 0 ? 0 : (left < limit ? left : limit);
}

/// Neighbours across the panel are neighbours in memory: two rows, laid one into the other.
void pack_rows(const PairPanel& panel, const bfloat16* source, std::int64_t depth_stride) {
  const Vec scale = broadcast(panel.scale);
  for (std::int64_t j = 0; j < panel.width; j += Vec::kWidth) {
    const std::int64_t in = at_most(panel.count - j, Vec::kWidth);
    const std::int64_t out = at_most(panel.width - j, Vec::kWidth);
    for (std::int64_t k = 0; k < panel.depths; k += 2) {
      const bfloat16* even = source + k * depth_stride + j;
      const Vec pairs = load_pairs(even, k + 1 < panel.depths ? even + depth_stride : nullptr, in);
      store_partial(panel.out + k / 2 * panel.width + j, scale_pairs(pairs, scale), out);
    }
  }
}

/// Neighbours in depth are neighbours in memory: pairs lie there as they are wanted; squares of them are
/// transposed in registers.
void pack_columns(const PairPanel& panel, const bfloat16* source, std::int64_t stride) {
  const Vec scale = broadcast(panel.scale);
  constexpr std::int64_t kDepths = 2 * Vec::kWidth;
  for (std::int64_t j = 0; j < panel.width; j += Vec::kWidth) {
    const std::int64_t in = at_most(panel.count - j, Vec::kWidth);
    const std::int64_t out = at_most(panel.width - j, Vec::kWidth);
    for (std::int64_t k = 0; k < panel.depths; k += kDepths) {
      const std::int64_t depths = at_most(panel.depths - k, kDepths);
      const std::int64_t pairs = ceil_divide(depths, 2);
      float* to = panel.out + k / 2 * panel.width + j;
      Vec square[Vec::kWidth];
#pragma GCC unroll 16
      for (int i = 0; i < Vec::kWidth; ++i) {
        square[i] = i < in ? scale_pairs(load_pairs(source + (j + i) * stride + k, depths), scale) : zero();
      }
      transpose(square);
#pragma GCC unroll 16
      for (int i = 0; i < Vec::kWidth; ++i) {
        if (i < pairs) store_partial(to + i * panel.width, square[i], out);
      }
    }
  }
}

void pack_strided(const PairPanel& panel, const bfloat16* source, std::int64_t stride,
                  std::int64_t depth_stride) {
  const Vec scale = broadcast(panel.scale);
  for (std::int64_t k = 0; k < panel.depths; k += 2) {
    for (std::int64_t j = 0; j < panel.width; ++j) {
      const bfloat16* even = source + j * stride + k * depth_stride;
      const Vec pair = j < panel.count
                           ? load_pairs(even, k + 1 < panel.depths ? even + depth_stride : nullptr, 1)
                           : zero();
      store_partial(panel.out + k / 2 * panel.width + j, scale_pairs(pair, scale), 1);
    }
  }
}

}  // namespace

void pack_pairs(const PairPanel& panel, const bfloat16* source, std::int64_t stride,
                std::int64_t depth_stride) {
  if (stride == 1) {
    pack_rows(panel, source, depth_stride);
  } else if (depth_stride == 1) {
    pack_columns(panel, source, stride);
  } else {
    pack_strided(panel, source, stride, depth_stride);
  }
}

}  // namespace attune::cpu::ATTUNE_ISA

#endif
