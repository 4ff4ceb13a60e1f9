#pragma once

namespace attune {

/// binary_cross_entropy(logits (R, C), targets f32 (R, C), loss_scale f32 (1), positive_weights f32? (C))
///   -> loss f32 (1) = loss_scale * sum of row losses, row_loss f32 (R) = sum over C,
///      then, only where asked, dlogits (R, C) = d loss / d logits.
///   Of one element, with p = sigmoid(logit) and target t in [0, 1] (torch.nn.BCEWithLogitsLoss):
///   loss = f (-positive_weight s log p - (1 - s) log(1 - p)), s = t (1 - e) + e / 2 (label_smoothing e),
///   f = (p (1 - t) + (1 - p) t)^focal_gamma, as torchvision.ops.sigmoid_focal_loss (Lin et al. 2017).
struct BinaryCrossEntropyArguments {
  float label_smoothing = 0.0F;
  float focal_gamma = 0.0F;
  bool logits_gradient = false;
};

}  // namespace attune
