#pragma once

#include <cstdint>

namespace attune::cuda {

inline constexpr int kSpanThreads = 128;  ///< a block a segment

struct SpanCrossEntropy {
  const void* logits;              ///< (T, 2)
  const std::int32_t* cu_seqlens;  ///< (S + 1)
  const std::int32_t* positions;   ///< (S, 2)
  const float* scale;              ///< of the gradient
  float* row_loss;                 ///< (S)
  void* dlogits;                   ///< (T, 2), or null
};

}  // namespace attune::cuda
