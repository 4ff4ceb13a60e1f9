#pragma once

#include <cstdint>

#include "kernels/cuda/tensor.h"

namespace attune::cuda {

/// Rows of a thread: what it works out for its columns serves them all.
inline constexpr int kMagnitudeRows = 8;
/// Rows whose part of dm is summed by one thread.
inline constexpr int kMagnitudeChunk = 64;

struct Magnitude {
  const void* x;
  FloatTensor m;
  const float* norm;
  FloatTensor bias;    ///< or null
  const void* addend;  ///< or null
  void* y;
  std::int64_t rows;
  std::int64_t columns;
};

struct MagnitudeGradient {
  const void* dy;
  const void* x;
  const float* norm;
  float* partial;  ///< (chunks, columns)
  std::int64_t rows;
  std::int64_t columns;
};

}  // namespace attune::cuda
