#pragma once

#include <cstdint>

namespace attune::cuda {

inline constexpr int kMeanSquaredErrorThreads = 128;  ///< a warp a row

struct MeanSquaredError {
  const void* predictions;
  const float* targets;
  const float* scale;
  float* row_loss;
  void* dpredictions;  ///< or null
  std::int64_t rows;
  std::int64_t columns;
};

}  // namespace attune::cuda
