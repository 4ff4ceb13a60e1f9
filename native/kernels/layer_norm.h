#pragma once

namespace attune {

/// layer_norm(x (T, C), w (C), b? (C)) -> y (T, C), mean f32 (T), rstd f32 (T)
/// layer_norm_backward(dy, x, w, mean, rstd, addend?) -> dx (T, C), dw f32 (C), db f32 (C); dw and db
/// accumulate
///   dx = gradient + addend: the addend is what already flows into x (the residual branch).
struct LayerNormArguments {
  float eps = 1e-5F;
};
struct LayerNormBackwardArguments {
  bool has_bias = true;
};

}  // namespace attune
