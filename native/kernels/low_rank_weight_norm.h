#pragma once

#include "kernels/linear.h"

namespace attune {

/// low_rank_weight_norm(w (N, K) or (K, N) by `layout`, a (R, K), b (N, R)) -> norm f32 (N)
///   norm[n] = the length of row n of W + scale B A, that is of the weights of output n. For DoRA (Liu et al.
///   2024, "DoRA: weight-decomposed low-rank adaptation"), where it counts as a constant: no gradient.
struct LowRankWeightNormArguments {
  WeightLayout layout = WeightLayout::out_in;
  float scale = 1.0F;
};

}  // namespace attune
