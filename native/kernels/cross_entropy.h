#pragma once

namespace attune {

/// cross_entropy(logits (R, C), labels i32 (R), loss_scale f32 (1), class_weights f32? (C))
///   -> loss f32 (1) = loss_scale * sum of row losses, row_loss f32 (R), prediction i32 (R) (first arg max),
///      then, only where asked, dlogits (R, C) = d loss / d logits.
///   row_loss = f sum_c q[c] (-log p[c]), p = softmax(logits), q[c] = class_weights[c] times the target: 1 -
///   e for the label and e spread evenly over all classes, the label's included (torch.nn.CrossEntropyLoss;
///   its mean divides by the sum of the labels' weights, which is loss_scale's business here). f = (1 -
///   p[label])^focal_gamma, Lin et al. 2017, "Focal loss for dense object detection".
struct CrossEntropyArguments {
  float label_smoothing = 0.0F;
  float focal_gamma = 0.0F;
  bool logits_gradient = false;
};

}  // namespace attune
