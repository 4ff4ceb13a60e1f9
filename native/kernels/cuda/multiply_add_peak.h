#pragma once

#include <cstdint>

namespace attune::cuda {

/// Multiply-adds that a thread has in flight: four cycles' latency need 4, the rest hides what the loop takes.
inline constexpr int kPeakSums = 16;
inline constexpr int kPeakThreads = 256;
/// Threads of a multiprocessor, which is as many as the newer ones can hold.
inline constexpr int kPeakResident = 2048;

struct MultiplyAddPeak {
  float* kept;  ///< one float, written where a sum says so, which none does
  std::int64_t iterations;
};

}  // namespace attune::cuda
