#pragma once

#include "core/quantization.h"
#include "kernels/cpu/gemm/epilogue.h"
#include "kernels/cpu/gemm/streaming_way.h"

namespace attune::cpu::ATTUNE_ISA {

/// Columns of a part, at most: its sums stay in the second-level cache.
inline constexpr std::int64_t kPartColumns = 4096;

/// How a product whose rows of B are contiguous is cut: every part has its own sums (M, columns).
struct Parts {
  EvenSplit depth;
  EvenSplit blocks;  ///< of kQuantizedBlock columns -> ranges
  std::int64_t columns = 0;

  [[nodiscard]] ATTUNE_INLINE std::int64_t count() const { return depth.parts * blocks.parts; }
  [[nodiscard]] ATTUNE_INLINE std::int64_t begin(std::int64_t range) const {
    return minimum(columns, blocks.begin(range) * kQuantizedBlock);
  }
};

[[nodiscard]] Parts parts_of(const Gemm& gemm, const Product& product);

/// Sums of one part, (M, columns of C): a's elements times the part's rows of B, up to kStreamingRows of a.
/// `unpacked`: kPartColumns, where B must be unpacked (lines.h).
void scale_part(const Rows& a, const Product& product, const Parts& parts, std::int64_t part, float* unpacked,
                float* sums);

/// sums, kStreamingColumns apart, += those of all parts at this place of C.
void add_parts(const float* part_sums, const Parts& parts, std::int64_t rows, const Rectangle& place,
               float* sums);

}  // namespace attune::cpu::ATTUNE_ISA
