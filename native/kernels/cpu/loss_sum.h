#pragma once

#include "kernels/kernel.h"

namespace attune::cpu::ATTUNE_ISA {

/// loss = loss_scale * sum of the row losses, in the order of the rows.
inline void sum_row_losses(const TensorView& row_loss, const TensorView& loss_scale, const TensorView& loss) {
  const auto* values = row_loss.as<const float>();
  double sum = 0.0;
  for (std::int64_t r = 0; r < row_loss.shape.rows(); ++r) sum += static_cast<double>(values[r]);
  *loss.as<float>() = static_cast<float>(static_cast<double>(*loss_scale.as<const float>()) * sum);
}

}  // namespace attune::cpu::ATTUNE_ISA
