#pragma once

#include <cstdint>

namespace attune::cuda {

inline constexpr int kLossSumThreads = 256;

struct LossSum {
  const float* row_loss;
  const float* scale;
  float* loss;
  std::int64_t rows;
};

}  // namespace attune::cuda
