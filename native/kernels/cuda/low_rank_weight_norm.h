#pragma once

#include <cstdint>

namespace attune::cuda {

inline constexpr int kRowNormThreads = 256;
inline constexpr int kColumnNormThreads = 128;

struct RowNorms {
  const float* rows;  ///< (count, columns)
  float* norm;        ///< (count)
  std::int64_t columns;
};

struct ColumnNorms {
  const float* squares;  ///< (chunks, count): sums of squares of chunks of a column
  float* norm;           ///< (count)
  std::int64_t chunks;
  std::int64_t count;
};

}  // namespace attune::cuda
