#pragma once

#include <cstdint>

namespace attune::cuda {

/// A block has a row. Sums of seven pivots need more registers than a thread of a larger block has.
inline constexpr int kSampleMostThreads = 512;

struct Sample {
  const void* x;
  std::int64_t columns;
  const float* temperature;
  const std::int32_t* top_k;
  const float* top_p;
  const float* min_p;
  const std::int32_t* uniform;
  std::int32_t* ids;
};

}  // namespace attune::cuda
