#pragma once

namespace attune {

/// mean_squared_error(predictions (R, C), targets f32 (R, C), loss_scale f32 (1))
///   -> loss f32 (1) = loss_scale * sum of row losses, row_loss f32 (R) = sum over C of the squared errors,
///      then, only where asked, dpredictions (R, C). The mean is loss_scale's business: 1 / (R C).
struct MeanSquaredErrorArguments {
  bool predictions_gradient = false;
};

}  // namespace attune
