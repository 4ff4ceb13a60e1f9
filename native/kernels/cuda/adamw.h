#pragma once

#include <cstdint>

#include "core/moment_codes.h"

namespace attune::cuda {

/// Packs of 16 bytes for each thread of a block: finding the block's tensor then takes a small part of its
/// time, and a tensor of a LoRA still has many blocks.
inline constexpr int kAdamWPacks = 4;
inline constexpr int kAdamWThreads = 128;
/// Floats of one block.
inline constexpr std::int64_t kAdamWChunk = 4 * kAdamWPacks * kAdamWThreads;

/// A tensor of the list, and its rates as attune::AdamWRates, with what all elements have in common worked
/// out.
struct AdamWTensor {
  const float* gradient;
  float* weight;
  void* exp_avg;  ///< floats, or, with scales, codes
  void* exp_avg_sq;
  void* working;  ///< bf16 copy of the weight, or null
  float* exp_avg_scale;
  float* exp_avg_sq_scale;
  std::int64_t count;
  std::int64_t first_block;  ///< blocks of the tensors before it
  float beta1;
  float beta2;
  float one_minus_beta1;
  float one_minus_beta2;
  float eps;
  float decay;  ///< 1 - learning_rate weight_decay
  float step;   ///< learning_rate / bias_correction1
  float root;   ///< 1 / sqrt(bias_correction2)
  bool moves;   ///< the rate is not 0
};

/// Of codes a warp has a block at a time.
inline constexpr int kAdamWMomentBlocks = static_cast<int>(kAdamWChunk / kMomentBlock);
static_assert(kAdamWMomentBlocks % (kAdamWThreads / 32) == 0);

struct AdamW {
  const AdamWTensor* tensors;
  int count;
  float gradient_scale;
};

inline constexpr int kSquaredSumThreads = 256;
/// Floats of one block: 16 packs a thread.
inline constexpr std::int64_t kSquaredSumChunk = 64 * kSquaredSumThreads;

struct SquaredSumTensor {
  const float* x;
  std::int64_t count;
  std::int64_t first_chunk;  ///< chunks of the tensors before it
};

struct SquaredSum {
  const SquaredSumTensor* tensors;  ///< and an empty one, where the last one's chunks end
  int count;
  double* partial;  ///< a sum for each chunk
  double* results;  ///< for each tensor
};

}  // namespace attune::cuda
