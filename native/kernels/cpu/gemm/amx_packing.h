#pragma once

#include "kernels/cpu/gemm/blocking.h"

#if defined(ATTUNE_AVX512_BF16)

#include "kernels/cpu/simd/avx512_bf16.h"

namespace attune::cpu::ATTUNE_ISA {

/// A panel of pairs: out[k * width + j] holds source(j, 2 k) and source(j, 2 k + 1), times `scale`.
struct PairPanel {
  float* out = nullptr;     ///< one 32-bit lane per pair
  std::int64_t width = 0;   ///< lanes between two pairs of depths of out
  std::int64_t count = 0;   ///< lanes of a depth that come from the source; the rest 0
  std::int64_t depths = 0;  ///< elements; when odd, the last pair is completed with 0
  float scale = 1.0F;       ///< a power of two
};

void pack_pairs(const PairPanel& panel, const bfloat16* source, std::int64_t stride,
                std::int64_t depth_stride);

}  // namespace attune::cpu::ATTUNE_ISA

#endif
