#pragma once

#include <cstdint>

namespace attune::cuda {

inline constexpr int kPartialThreads = 128;

struct PartialSums {
  const float* partial;  ///< (rows, columns)
  float* to;             ///< (columns)
  std::int64_t rows;
  std::int64_t columns;
  bool accumulate;
};

}  // namespace attune::cuda
