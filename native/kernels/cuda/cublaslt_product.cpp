#include "kernels/cuda/cublaslt_product.h"

namespace attune::cuda {
namespace {

// Of products that are taken none is too small: cuBLASLt has kernels for all sizes, and there is no
// measurement yet to draw a line by.

[[nodiscard]] bool has_second(const Multiplication& asked) {
  return asked.product_count == 2 && asked.products[1].scale != 0.0F;
}

[[nodiscard]] bool takes(const StoredMatrix& factor) {
  return factor.dtype == DType::bf16 && aligned(factor.data, factor.stride, factor.dtype, 16);
}

[[nodiscard]] bool takes(const FloatTensor& bias, DType dtype) {
  if (bias.data == nullptr) return true;
  return bias.bf16 == (dtype == DType::bf16) && aligned(bias.data, 0, dtype, 16);
}

/// What is added to the product must be of c's dtype, and there can be one such matrix.
[[nodiscard]] bool takes_addend(const Multiplication& asked) {
  if (asked.addend == nullptr) return true;
  return asked.c_dtype == DType::bf16 && !asked.accumulate &&
         aligned(asked.addend, asked.addend_stride, DType::bf16, 16);
}

[[nodiscard]] bool takes(const Multiplication& asked) {
  const Product& first = asked.products[0];
  if (is_thin(asked) || asked.rows == 0 || asked.columns == 0 || first.depth == 0) return false;
  if (!takes(first.left) || !takes(first.right)) return false;
  if (!aligned(asked.c, asked.c_stride, asked.c_dtype, 16)) return false;
  return has_second(asked) || (takes(asked.bias, asked.c_dtype) && takes_addend(asked));
}

[[nodiscard]] BlasMatrix matrix_of(const StoredMatrix& factor) {
  return {factor.data, factor.stride, factor.transposed};
}

}  // namespace

std::optional<CublasLtProduct> cublaslt_product(const Multiplication& asked) {
  if (!takes(asked)) return std::nullopt;
  const Product& first = asked.products[0];
  CublasLtProduct out{.product = {.rows = asked.rows,
                                  .columns = asked.columns,
                                  .depth = first.depth,
                                  .left = matrix_of(first.left),
                                  .right = matrix_of(first.right),
                                  .scale = first.scale,
                                  .to = asked.c,
                                  .dtype = asked.c_dtype,
                                  .stride = asked.c_stride},
                      .before = std::nullopt};
  if (has_second(asked)) {
    // The second is of little depth: its time goes into c. Its sums are rounded to c's dtype on the way, once
    // more than in our own kernels, as where a module and its adapter are computed apart.
    out.before = second_alone(asked);
    out.product.addend = asked.c;
    out.product.addend_stride = asked.c_stride;
    return out;
  }
  out.product.bias = asked.bias.data;
  out.product.addend = asked.accumulate ? asked.c : asked.addend;
  out.product.addend_stride = asked.accumulate ? asked.c_stride : asked.addend_stride;
  return out;
}

Multiplication second_alone(const Multiplication& asked) {
  Multiplication out = asked;
  out.products[0] = asked.products[1];
  out.product_count = 1;
  return out;
}

}  // namespace attune::cuda
