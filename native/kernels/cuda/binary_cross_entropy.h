#pragma once

#include <cstdint>

namespace attune::cuda {

inline constexpr int kBinaryCrossEntropyThreads = 128;  ///< a warp a row

struct BinaryCrossEntropy {
  const void* logits;
  const float* targets;
  const float* scale;    ///< of the gradient
  const float* weights;  ///< positive_weights, or null: all 1
  float* row_loss;
  void* dlogits;  ///< or null
  std::int64_t rows;
  std::int64_t columns;
  float smoothing;
  float focal_gamma;
};

}  // namespace attune::cuda
