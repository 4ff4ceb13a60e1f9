#pragma once

#include <cstdint>

#include "kernels/cuda/tensor.h"

namespace attune::cuda {

inline constexpr int kBiasThreads = 128;

/// The bias of every head by distance, from T5's table by bucket.
struct RelativeBias {
  FloatTensor table;            ///< (buckets, heads)
  const std::int32_t* buckets;  ///< (distances)
  float* values;                ///< (heads, distances)
  int heads;
  int distances;
};

}  // namespace attune::cuda
