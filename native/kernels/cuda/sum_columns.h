#pragma once

#include "kernels/cuda/kernels.h"

namespace attune::cuda {

/// A matrix (rows, columns) of activations, `stride` elements between rows, a multiple of 16 bytes or
/// `columns`.
struct Columns {
  const void* data = nullptr;
  DType dtype = DType::f32;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t stride = 0;
};

/// Rows of `partial`.
[[nodiscard]] std::int64_t column_chunks(std::int64_t rows);
/// partial (chunks, columns) = sums of chunks of rows.
void sum_column_chunks(KernelContext& context, const Columns& from, float* partial);
/// The same of squares; f32 alone.
void sum_column_square_chunks(KernelContext& context, const Columns& from, float* partial);

}  // namespace attune::cuda
