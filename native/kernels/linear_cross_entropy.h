#pragma once

#include <cstdint>

#include "kernels/token_rows.h"

namespace attune {

/// linear_cross_entropy(h (R, C), w (V, C) out_in, labels i32 (R), loss_scale f32 (1), bias? (V),
///                      token_rows? (K, C))
///   -> loss f32 (1) = loss_scale * sum of row losses, row_loss f32 (R), prediction i32 (R) (first arg max),
///      then, only where asked, dh (R, C) = d loss / dh, dw f32 (V, C), dbias f32 (V), dtoken_rows f32 (K,
///      C); all but dh accumulate.
/// token_rows: rows in place of w's, of the tokens that `tokens` names; w's own get no gradient.
/// Logits live in chunks of rows, never (R, V) at once; the gradient is made while the chunk is hot, so the
/// head costs three matrix products, not four. Liger kernel (Hsu et al. 2024) for the idea. label_smoothing
/// e: the target has 1 - e, and e is spread evenly over the vocabulary, the target included.
struct LinearCrossEntropyArguments {
  float label_smoothing = 0.0F;
  float softcap = 0.0F;  ///< logits = softcap * tanh(logits / softcap) when > 0
  bool hidden_gradient = false;
  bool weight_gradient = false;
  bool bias_gradient = false;
  TokenRows tokens;
  bool token_gradient = false;
};

}  // namespace attune
