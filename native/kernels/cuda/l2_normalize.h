#pragma once

#include <cstdint>

namespace attune::cuda {

inline constexpr int kUnitRowThreads = 128;  ///< a warp a row

struct L2Normalize {
  const void* x;
  void* y;
  std::int64_t rows;
  std::int64_t columns;
  float eps;
};

struct L2NormalizeBackward {
  const void* dy;
  const void* x;
  void* dx;
  std::int64_t rows;
  std::int64_t columns;
  float eps;
};

}  // namespace attune::cuda
