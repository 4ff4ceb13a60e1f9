#pragma once

#include <cstdint>

namespace attune::cuda {

/// Rates as attune::AdamWArguments, with what all elements have in common worked out.
struct AdamW {
  const float* gradient;
  float* weight;
  float* exp_avg;
  float* exp_avg_sq;
  void* working;  ///< bf16 copy of the weight, or null
  std::int64_t count;
  float beta1;
  float beta2;
  float one_minus_beta1;
  float one_minus_beta2;
  float eps;
  float gradient_scale;
  float decay;  ///< 1 - learning_rate weight_decay
  float step;   ///< learning_rate / bias_correction1
  float root;   ///< 1 / sqrt(bias_correction2)
  bool moves;   ///< the rate is not 0
};

inline constexpr int kSquaredSumThreads = 256;
/// Floats of one block: 16 packs a thread.
inline constexpr std::int64_t kSquaredSumChunk = 64 * kSquaredSumThreads;

struct SquaredSum {
  const float* x;
  std::int64_t count;
  double* partial;  ///< a sum for each chunk
  std::int64_t chunks;
  double* result;
};

}  // namespace attune::cuda
