#pragma once

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/matrix_product.h"

// Matrix products, on the host's side: what other launchers ask for, and how it is done.
namespace attune::cuda {

/// A factor as it is stored, row by row, with `stride` elements between rows.
struct StoredMatrix {
  const void* data = nullptr;
  DType dtype = DType::f32;
  std::int64_t stride = 0;
  bool transposed = false;  ///< stored (depth, rows) as the left, (columns, depth) as the right factor
};

struct Product {
  StoredMatrix left;   ///< (rows, depth), activations
  StoredMatrix right;  ///< (depth, columns), activations; the first product's may be a whole quantized weight
  std::int64_t depth = 0;
  float scale = 1.0F;
};

/// c (rows, columns) = or += the sum of scale left right over the products, + bias + addend
struct Multiplication {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  Product products[2];
  int product_count = 1;
  FloatTensor bias;              ///< (columns) or none
  const void* addend = nullptr;  ///< (rows, columns), activations, or null
  std::int64_t addend_stride = 0;
  void* c = nullptr;
  DType c_dtype = DType::f32;
  std::int64_t c_stride = 0;
  bool accumulate = false;  ///< c is f32
};

/// Products of so few rows have a kernel of their own, which reads the right factor as fast as memory gives
/// it.
[[nodiscard]] inline bool is_thin(const Multiplication& asked) {
  return asked.rows <= kThinRows && !asked.products[0].left.transposed;
}

/// Whether rows of `stride` elements begin on `bytes`.
[[nodiscard]] inline bool aligned(const void* data, std::int64_t stride, DType dtype, std::size_t bytes) {
  const std::size_t row = static_cast<std::size_t>(stride) * size_of(dtype);
  return (reinterpret_cast<std::uintptr_t>(data) | row) % bytes == 0;
}

[[nodiscard]] inline StoredMatrix stored(const TensorView& view, bool transposed = false) {
  return {view.data, view.dtype, view.shape.columns(), transposed};
}

/// By shapes alone, whoever multiplies.
[[nodiscard]] std::size_t multiply_scratch(const Multiplication& asked);
/// By cuBLASLt where it is there and takes the product, else by kernels of our own.
void multiply(KernelContext& context, std::byte* scratch, const Multiplication& asked);

}  // namespace attune::cuda
