#pragma once

#include "kernels/cpu/gemm/gemm.h"

namespace attune::cpu::ATTUNE_ISA {

/// What is added to the sums and where they go, for a rectangle of C whose corner is (row, column).
struct Rectangle {
  std::int64_t row = 0;
  std::int64_t column = 0;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
};

/// sums += bias + addend + (accumulate ? C : 0).
void add_terms(const Gemm& gemm, const Rectangle& place, float* sums, std::int64_t stride);

/// C = sums, rounded to its type.
void write_c(const Gemm& gemm, const Rectangle& place, const float* sums, std::int64_t stride);

}  // namespace attune::cpu::ATTUNE_ISA
