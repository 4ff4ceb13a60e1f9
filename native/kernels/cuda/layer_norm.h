#pragma once

#include <cstdint>

#include "kernels/cuda/tensor.h"

namespace attune::cuda {

inline constexpr int kLayerNormThreads = 128;  ///< a warp a row
/// Rows whose part of dw and db is summed by one thread.
inline constexpr int kLayerNormChunk = 64;

struct LayerNormForward {
  const void* x;
  FloatTensor w;
  FloatTensor b;  ///< or null
  void* y;
  float* mean;  ///< or null
  float* rstd;  ///< or null
  std::int64_t rows;
  std::int64_t columns;
  float eps;
};

struct LayerNormBackward {
  const void* dy;
  const void* x;
  FloatTensor w;
  const float* mean;
  const float* rstd;
  const void* addend;  ///< or null
  void* dx;            ///< or null
  float* dw;           ///< partial sums (chunks, columns), or null
  float* db;           ///< partial sums (chunks, columns), or null
  std::int64_t rows;
  std::int64_t columns;
};

}  // namespace attune::cuda
