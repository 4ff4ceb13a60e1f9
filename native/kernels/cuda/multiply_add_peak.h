#pragma once

#include <cstdint>

namespace attune::cuda {

/// Two warps for each of a multiprocessor's four tensor cores, each with products in flight that do not
/// depend on each other.
inline constexpr int kPeakThreads = 256;
inline constexpr int kPeakProducts = 8;
/// Of one warp's mma.m16n8k16.
inline constexpr double kPeakOperations = 2.0 * 16 * 8 * 16;

struct MultiplyAddPeak {
  std::int64_t iterations;
  float* never;  ///< null, which the compiler does not know
};

}  // namespace attune::cuda
