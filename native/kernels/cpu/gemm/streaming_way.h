#pragma once

#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/gemm/gemm.h"
#include "kernels/cpu/launch.h"

namespace attune::cpu::ATTUNE_ISA {

// What the parts of the product of few rows (streaming.cpp) have in common.

/// Columns of one task, at most: sums of different rows are so far apart.
inline constexpr std::int64_t kStreamingColumns = 256;
/// Columns, or rows, of B that are read at once. Far apart, each is a stream of its own to the processor, and
/// four of them keep more reads in flight than one: 22 against 19 GB/s on two cores of an EPYC (Zen 3). Side
/// by side in one page they are read at half the speed.
inline constexpr int kStreams = 4;

/// Where a product's rows of A are, and how many.
template <class T>
struct RowsOf {
  const T* data = nullptr;
  std::int64_t stride = 0;
  std::int64_t count = 0;
};
using Rows = RowsOf<float>;

/// Whose elements of B are neighbours in memory.
enum class Way : std::uint8_t { columns, rows, strided };

[[nodiscard]] ATTUNE_INLINE Way way_of(const Product& product) {
  if (product.b.row_stride == 1) return Way::columns;
  return product.b.column_stride == 1 ? Way::rows : Way::strided;
}

/// Whether A is read where it lies, in pairs of bfloat16: it is not packed as floats.
[[nodiscard]] ATTUNE_INLINE bool multiplies_pairs([[maybe_unused]] const Product& product) {
#if defined(ATTUNE_BF16_PAIRS)
  const Matrix& a = product.a;
  return way_of(product) == Way::columns && a.dtype == DType::bf16 && product.b.dtype == DType::bf16 &&
         a.column_stride == 1 && product.alpha == 1.0F;
#else
  return false;
#endif
}

}  // namespace attune::cpu::ATTUNE_ISA
