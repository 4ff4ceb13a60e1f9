#pragma once

#include <optional>

#include "kernels/cuda/multiply.h"

namespace attune::cuda {

/// A multiplication as cuBLASLt does it.
struct CublasLtProduct {
  BlasProduct product;
  /// What our own kernels put into c first, to which the product is then added.
  std::optional<Multiplication> before;
};

/// Nothing where it is one for our own kernels: float32, quantized weights, few rows, rows that do not begin
/// on 16 bytes, and an addend or a bias of another dtype than c.
[[nodiscard]] std::optional<CublasLtProduct> cublaslt_product(const Multiplication& asked);

/// c = the second product, and what is added to both.
[[nodiscard]] Multiplication second_alone(const Multiplication& asked);

}  // namespace attune::cuda
