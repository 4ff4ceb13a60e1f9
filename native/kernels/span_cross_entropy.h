#pragma once

namespace attune {

/// span_cross_entropy(logits (T, 2), cu_seqlens i32 (S + 1), positions i32 (S, 2), loss_scale f32 (1))
///   -> loss f32 (1) = loss_scale * sum of row losses, row_loss f32 (S),
///      then, only where asked, dlogits (T, 2) = d loss / d logits.
/// Extractive question answering: column 0 is a softmax over the tokens of a segment for where the answer
/// starts, column 1 for where it ends; positions[s] are the two tokens, counted from the segment's first.
///   row_loss[s] = sum over both columns c of (log sum_t exp logits[t, c] - logits[positions[s, c], c])
/// A position outside the segment (-1: none) carries no loss. The segments cover all tokens.
struct SpanCrossEntropyArguments {
  bool logits_gradient = false;
};

}  // namespace attune
