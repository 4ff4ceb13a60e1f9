#pragma once

#include <string>

#include "cublaslt/cublaslt_types.h"

namespace emulator {

/// D (m, n) = alpha op(A) op(B) + beta C + bias, column by column.
struct Product {
  cublasLtMatmulDescOpaque operation;
  cublasLtMatrixLayoutOpaque a, b, c, d;

  [[nodiscard]] std::uint64_t m() const { return d.rows; }
  [[nodiscard]] std::uint64_t n() const { return d.columns; }
  [[nodiscard]] std::uint64_t k() const { return operation.transpose_a == CUBLAS_OP_N ? a.columns : a.rows; }
};

/// Where a product's matrices lie.
struct Operands {
  float alpha = 1.0F;
  float beta = 0.0F;
  const void* a = nullptr;
  const void* b = nullptr;
  const void* c = nullptr;
  void* d = nullptr;
  void* workspace = nullptr;
  std::size_t workspace_bytes = 0;
};

/// Throws Refusal where cuBLASLt would refuse it, or the stand-in does not know it.
void check_product(const Product& product);

/// The one algorithm that there is for a product. It wants a workspace where it may have one.
[[nodiscard]] cublasLtMatmulHeuristicResult_t choose_algorithm(
    const Product& product, const cublasLtMatmulPreferenceOpaque& preference);

/// That the algorithm is of this product, and that the matrices lie as was promised when it was chosen.
void check_operands(const Product& product, const Operands& operands, const cublasLtMatmulAlgo_t& algorithm);

/// Computes it where the matrices are. Answers what is wrong, if anything.
[[nodiscard]] std::string compute(const Product& product, const Operands& operands);

/// A line of JSON that says what was computed.
[[nodiscard]] std::string described(const Product& product, const Operands& operands);

}  // namespace emulator
