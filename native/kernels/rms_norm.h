#pragma once

namespace attune {

/// rms_norm(x (T, C), w (C)) -> y (T, C), rstd f32 (T);  y = x * rstd * (weight_offset + w)
/// rms_norm_backward(dy, x, w, rstd, addend?) -> dx (T, C) (+ addend), dw f32 (C); dw accumulates
struct RmsNormArguments {
  float eps = 1e-6F;
  float weight_offset = 0.0F;  ///< 1 for Gemma, whose norms multiply by 1 + w
};
struct RmsNormBackwardArguments {
  float weight_offset = 0.0F;
};

}  // namespace attune
