#pragma once

#include <cstdint>

namespace attune::cuda {

/// A warp's width of columns, and so many threads to a column, each with every so many-th row.
inline constexpr int kPartialColumns = 32;
inline constexpr int kPartialStrips = 8;
inline constexpr int kPartialThreads = kPartialColumns * kPartialStrips;

struct PartialSums {
  const float* partial;  ///< (rows, columns)
  float* to;             ///< (columns)
  std::int64_t rows;
  std::int64_t columns;
  bool accumulate;
};

}  // namespace attune::cuda
