#pragma once

#include <cstdint>

#include "kernels/cuda/tensor.h"
#include "kernels/cuda/token_rows.h"

namespace attune::cuda {

inline constexpr int kReplaceThreads = 128;

/// to (T, V) = from + bias
struct AddBias {
  const void* from;
  FloatTensor bias;
  void* to;
  std::int64_t rows;
  std::int64_t columns;
};

/// Columns ids[i] of `table` (T, V) and rows[i] of `apart` (T, K): the forward writes the first from the
/// second, plus bias, the backward the other way, and zeros where it read.
struct ReplaceColumns {
  void* table;
  const void* gradient;  ///< of the backward: what it reads; it may be `table`
  void* apart;
  FloatTensor bias;  ///< or null
  TokenRowsView tokens;
  std::int64_t rows;
  std::int64_t columns;
};

}  // namespace attune::cuda
