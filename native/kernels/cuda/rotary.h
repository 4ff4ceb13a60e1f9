#pragma once

#include <cstdint>

#include "kernels/cuda/tensor.h"

namespace attune::cuda {

inline constexpr int kRotaryThreads = 128;  ///< a block a token

struct Rotary {
  const void* x;
  const std::int32_t* positions;
  const float* inverse_frequencies;  ///< (frequencies)
  void* y;                           ///< may be x
  std::int64_t columns;
  int head_dim;
  int frequencies;
  int rotated;
  int period;
  float scaling;
  float sign;  ///< of the angles
};

}  // namespace attune::cuda
