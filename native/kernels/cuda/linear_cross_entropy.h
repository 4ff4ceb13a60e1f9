#pragma once

#include <cstdint>

#include "kernels/cuda/tensor.h"

namespace attune::cuda {

inline constexpr int kCrossEntropyThreads = 256;
inline constexpr int kTokenThreads = 128;

/// Tokens whose logits come from rows of their own.
struct TokenColumns {
  const std::int32_t* ids;   ///< null: none
  const std::int32_t* rows;  ///< which column of `logits` is whose
  std::int64_t count;
  std::int64_t stride;
};

struct CrossEntropyRows {
  float* logits;        ///< (rows, vocabulary); of floats the gradient takes their place
  void* gradient;       ///< (rows, vocabulary), activations, or null
  std::int64_t stride;  ///< of both
  std::int64_t vocabulary;
  TokenColumns tokens;
  const float* token_logits;
  FloatTensor bias;
  const std::int32_t* labels;
  const float* loss_scale;
  float* row_loss;
  std::int32_t* prediction;
  float softcap;
  float smoothing;
};

/// Moves gradients of tokens with rows of their own out of the others'.
struct TakeTokenGradients {
  void* gradient;
  std::int64_t stride;
  TokenColumns tokens;
  void* taken;  ///< (rows, tokens.stride)
  std::int64_t rows;
};

}  // namespace attune::cuda
