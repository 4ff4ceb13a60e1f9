#pragma once

namespace attune {

/// contrastive_loss(anchors (R, D), candidates (N, D), labels i32 (R) below N, loss_scale f32 (1))
///   -> loss f32 (1) = loss_scale * sum of row losses, row_loss f32 (R), prediction i32 (R) (first arg max),
///      then, only where asked, danchors like anchors and dcandidates like candidates.
///   row_loss = -log softmax(scale * cosine(anchor, every candidate))[label]: the other candidates of the
///   batch are the negatives (Henderson et al. 2017, "Efficient natural language response suggestion for
///   smart reply"; sentence-transformers' MultipleNegativesRankingLoss). A root.
struct ContrastiveLossArguments {
  float scale = 20.0F;
  bool anchors_gradient = false;
  bool candidates_gradient = false;
};

}  // namespace attune
