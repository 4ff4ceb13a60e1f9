#pragma once

namespace attune {

/// rms_norm(x (T, G * C), w (C)) -> y (T, G * C), rstd f32 (T, G);  y = x * rstd * (weight_offset + w)
/// rms_norm_backward(dy, x, w, rstd, addend?) -> dx (T, G * C) (+ addend), dw f32 (C); dw accumulates
///   Each of the G groups of a row is normed by itself with the same weight: the heads of Qwen 3's q_norm.
struct RmsNormArguments {
  float eps = 1e-6F;
  float weight_offset = 0.0F;  ///< 1 for Gemma, whose norms multiply by 1 + w
};
struct RmsNormBackwardArguments {
  float weight_offset = 0.0F;
};

}  // namespace attune
