#pragma once

#include <cstdint>

namespace attune {

/// multiply_add_peak() -> nothing: every thread runs `iterations` rounds of independent multiply-adds in
/// registers, of float32, on a GPU of bf16 on tensor cores. What matrix products are measured against.
/// *operations, in the host's memory, gets the floating-point operations of all threads.
struct MultiplyAddPeakArguments {
  std::int64_t iterations = 0;
  double* operations = nullptr;
};

}  // namespace attune
