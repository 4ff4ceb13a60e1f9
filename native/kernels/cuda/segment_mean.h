#pragma once

#include <cstdint>

namespace attune::cuda {

inline constexpr int kMeanThreads = 256;
/// Warps of a block share a segment's rows; a thread has a column, or 16 bytes of columns.
inline constexpr int kMeanWarps = kMeanThreads / 32;

struct SegmentMean {
  const void* x;
  const std::int32_t* starts;  ///< cu_seqlens
  void* y;
  std::int64_t columns;
};

struct SegmentMeanBackward {
  const void* dy;
  const std::int32_t* starts;
  void* dx;
  std::int64_t rows;
  std::int64_t columns;
  int segments;
};

}  // namespace attune::cuda
