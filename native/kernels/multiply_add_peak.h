#pragma once

#include <cstdint>

namespace attune {

/// multiply_add_peak() -> nothing: every thread runs `iterations` rounds of independent multiply-adds in
/// registers; a GPU, which has thousands of threads, takes fewer rounds. What matrix products are measured
/// against. *operations, on the host, gets the floating-point operations of all threads.
struct MultiplyAddPeakArguments {
  std::int64_t iterations = 0;
  double* operations = nullptr;
};

}  // namespace attune
