#pragma once

#include <cstdint>

namespace attune::cuda {

inline constexpr int kCrossEntropyThreads = 128;  ///< a warp a row

struct CrossEntropy {
  const void* logits;
  const std::int32_t* labels;
  const float* scale;          ///< of the gradient
  const float* class_weights;  ///< or null: all 1
  float* row_loss;
  std::int32_t* prediction;
  void* dlogits;  ///< or null
  std::int64_t rows;
  std::int64_t classes;
  float smoothing;
  float focal_gamma;
};

}  // namespace attune::cuda
