#pragma once

#include <cstdint>

namespace attune {

/// multiply_add_peak() -> nothing: every thread runs `iterations` rounds of independent multiply-adds in
/// registers. What matrix products are measured against. *operations gets the floating-point operations of
/// all threads.
struct MultiplyAddPeakArguments {
  std::int64_t iterations = 0;
  double* operations = nullptr;
};

}  // namespace attune
