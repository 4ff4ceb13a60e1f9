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

/// What happens to the sums of a tile.
struct Finish {
  bool terms = false;     ///< sums += bias + addend + (accumulate ? C : 0)
  bool write = false;     ///< C = sums, rounded to its type; otherwise they stay sums
  bool activate = false;  ///< gemm.activated = gemm.activation of C, which is complete
  [[nodiscard]] bool any() const { return terms || write || activate; }
};

/// Asks for what finish() is going to read and write there: by then it has come.
void bring_closer(const Gemm& gemm, const Rectangle& place, Finish what);
void finish(const Gemm& gemm, const Rectangle& place, Finish what, float* sums, std::int64_t stride);

}  // namespace attune::cpu::ATTUNE_ISA
