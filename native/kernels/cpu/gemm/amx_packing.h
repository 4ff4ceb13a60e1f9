#pragma once

#include "kernels/cpu/gemm/blocking.h"

#if defined(ATTUNE_AMX)

namespace attune::cpu::ATTUNE_ISA {

/// Rows of pairs: out[j * stride + k] holds source(j, 2 k) and source(j, 2 k + 1), times `scale`.
struct PairRows {
  float* out = nullptr;     ///< one 32-bit lane per pair
  std::int64_t stride = 0;  ///< lanes between two rows of out
  std::int64_t rows = 0;    ///< a multiple of 16
  std::int64_t count = 0;   ///< rows that come from the source; the rest 0
  std::int64_t steps = 0;   ///< pairs of depths, a multiple of 16
  std::int64_t depths = 0;  ///< elements that the source has in depth, or more of them; the rest 0
  float scale = 1.0F;       ///< a power of two
};

void pack_pair_rows(const PairRows& all, const bfloat16* source, std::int64_t stride,
                    std::int64_t depth_stride);

}  // namespace attune::cpu::ATTUNE_ISA

#endif
