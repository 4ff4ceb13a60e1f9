#pragma once

#include <cstdint>

#include "kernels/cuda/tensor.h"

namespace attune::cuda {

inline constexpr int kNormThreads = 128;  ///< a warp a row
/// Rows whose part of dw is summed by one thread, and columns of a block that does so.
inline constexpr int kNormChunk = 64;

struct RmsNormForward {
  const void* x;
  FloatTensor w;
  void* y;
  float* rstd;  ///< or null
  std::int64_t rows;
  std::int64_t columns;
  float eps;
  float weight_offset;
};

struct RmsNormBackward {
  const void* dy;
  const void* x;
  FloatTensor w;
  const float* rstd;
  const void* addend;  ///< or null
  void* dx;
  float* dw;  ///< partial sums (chunks, columns)
  std::int64_t rows;
  std::int64_t columns;
  float weight_offset;
};

}  // namespace attune::cuda
