// out[j * stride + k] = (source(j, 2 k), source(j, 2 k + 1)) for j < count, 0 for the other rows, as AMX's
// tiles take A.
// source: bfloat16 with any two strides; out: pairs of bfloat16.
// Nothing is rounded: the scale is a power of two.

#include "kernels/cpu/gemm/amx_packing.h"

#if defined(ATTUNE_AMX)

#include "kernels/cpu/simd/avx512_bf16.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

ATTUNE_INLINE std::int64_t at_most(std::int64_t left, std::int64_t limit) {
  return left < 0 ? 0 : (left < limit ? left : limit);
}

/// Pairs of `count` elements `stride` apart.
Vec gather_pairs(const bfloat16* even, const bfloat16* odd, std::int64_t stride, std::int64_t count) {
  if (stride == 1) return load_pairs(even, odd, count);
  alignas(64) bfloat16 pairs[2 * Vec::kWidth] = {};
  for (std::int64_t i = 0; i < count; ++i) {
    pairs[2 * i] = even[i * stride];
    if (odd != nullptr) pairs[2 * i + 1] = odd[i * stride];
  }
  return load_pairs(pairs, 2 * Vec::kWidth);
}

}  // namespace

void pack_pair_rows(const PairRows& all, const bfloat16* source, std::int64_t stride,
                    std::int64_t depth_stride) {
  const Vec scale = broadcast(all.scale);
  for (std::int64_t j = 0; j < all.rows; j += Vec::kWidth) {
    const std::int64_t in = at_most(all.count - j, Vec::kWidth);
    for (std::int64_t k = 0; k < all.steps; k += Vec::kWidth) {
      const std::int64_t depths = at_most(all.depths - 2 * k, 2 * Vec::kWidth);
      const bfloat16* const from = source + j * stride + 2 * k * depth_stride;
      float* const to = all.out + j * all.stride + k;
      if (depth_stride == 1) {
        for (std::int64_t i = 0; i < Vec::kWidth; ++i) {
          const Vec pairs = i < in ? scale_pairs(load_pairs(from + i * stride, depths), scale) : zero();
          store(to + i * all.stride, pairs);
        }
        continue;
      }
      // Neighbours across are neighbours in memory, or nothing is: vectors of a pair of depths, transposed.
      Vec square[Vec::kWidth];
      for (std::int64_t i = 0; i < Vec::kWidth; ++i) {
        const bfloat16* const even = from + 2 * i * depth_stride;
        const bfloat16* const odd = 2 * i + 1 < depths ? even + depth_stride : nullptr;
        square[i] = 2 * i < depths ? scale_pairs(gather_pairs(even, odd, stride, in), scale) : zero();
      }
      transpose(square);
      for (std::int64_t i = 0; i < Vec::kWidth; ++i) store(to + i * all.stride, square[i]);
    }
  }
}

}  // namespace attune::cpu::ATTUNE_ISA

#endif
