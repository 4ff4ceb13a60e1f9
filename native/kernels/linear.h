#pragma once

#include <cstdint>
#include <optional>

#include "kernels/activation.h"

namespace attune {

/// How a weight matrix is stored: torch.nn.Linear keeps (out, in), GPT-2's Conv1D keeps (in, out).
enum class WeightLayout : std::uint8_t { out_in, in_out };

/// linear(x, w, bias?, u?, b?, addend?) -> y, sum?
///   sum = scale * x W + bias + low_rank_scale * u B + addend, y = sum or activation(sum)
///   x (T, K), W (K, N) in `layout`, bias (N), u (T, R), B (R, N) in `low_rank_layout`, addend (T, N), y (T,
///   N)
/// One pass: the low-rank product (LoRA), the sums and the activation happen in the tile while it is hot. The
/// gradient of the input is the same op with the weight's layout flipped.
struct LinearArguments {
  WeightLayout layout = WeightLayout::out_in;
  float scale = 1.0F;
  WeightLayout low_rank_layout = WeightLayout::out_in;
  float low_rank_scale = 1.0F;
  /// Set by fuse_activation alone, where the kernel can (`Kernel::activates`).
  std::optional<ActivationKind> activation = std::nullopt;
  bool keeps_sum = false;  ///< with an activation: its input is an output too
};

/// linear_weight_gradient(x, dy) -> dw f32: scale * dy^T x (N, K) for out_in, scale * x^T dy (K, N) for
/// in_out; accumulates
struct LinearWeightGradientArguments {
  WeightLayout layout = WeightLayout::out_in;
  float scale = 1.0F;
};

/// column_sum(dy (T, N)) -> f32 (N); accumulates. The gradient of a bias. No arguments.
struct ColumnSumArguments {};

}  // namespace attune
