#pragma once

#include "kernels/cpu/simd.h"

namespace attune::cpu::ATTUNE_ISA {

struct CrossEntropyRow {
  float loss = 0.0F;
  std::int32_t prediction = 0;
};

struct CrossEntropyTerms {
  float softcap = 0.0F;
  float smoothing = 0.0F;
  float scale = 0.0F;  ///< of the gradient
  bool gradient = false;
  const float* class_weights = nullptr;  ///< (V); nullptr: all 1. Not with a softcap
  float focal_gamma = 0.0F;              ///< not with a softcap
};

/// Loss and first maximum of one row of logits (V). The logits become d loss / d logits where the gradient is
/// wanted:
///   scale (softmax - e / V - (1 - e) [v = label]), times 1 - (z / softcap)^2 for a capped z.
/// With class weights or a focal gamma see kernels/cross_entropy.h.
[[nodiscard]] CrossEntropyRow cross_entropy_row(float* logits, std::int64_t count, std::int32_t label,
                                                const CrossEntropyTerms& terms);

}  // namespace attune::cpu::ATTUNE_ISA
