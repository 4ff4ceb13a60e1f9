#pragma once

#include <cstddef>
#include <vector>

namespace attune {

/// What a tensor is updated by. Its bias corrections go by the steps it took.
struct AdamWRates {
  float learning_rate = 0.0F;
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float one_minus_beta1 = 0.1F;  ///< rounded from float64: 1 - 0.999F is off by 1e-5 of itself
  float one_minus_beta2 = 0.001F;
  float eps = 1e-8F;
  float weight_decay = 0.0F;
  float bias_correction1 = 1.0F;
  float bias_correction2 = 1.0F;
};

/// adamw(gradient f32 (n), ...) -> weight f32 (n), exp_avg (n), exp_avg_sq (n), working bf16 (n)?,
/// exp_avg_scale f32 (blocks)?, exp_avg_sq_scale f32 (blocks)?, ... all in place, six outputs for each
/// gradient, with `rates` of its own. Moments are f32, or, with scales, codes of a byte
/// (core/moment_codes.h), which become floats for the step.
///   g = gradient_scale * gradient;  w -= learning_rate * weight_decay * w
///   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
///   w -= learning_rate * (m / bias_correction1) / (sqrt(v / bias_correction2) + eps)
/// Loshchilov & Hutter 2019, "Decoupled weight decay regularization", in the order of torch.optim.AdamW.
struct AdamWArguments {
  std::vector<AdamWRates> rates;  ///< of each gradient
  float gradient_scale = 1.0F;    ///< of the clipping
};

inline constexpr std::size_t kAdamWOutputs = 6;

/// Of one element, counted from the formula.
inline constexpr double kAdamWOperations = 14.0;

/// squared_sum(x f32 (n), ...) -> nothing; a double for each x goes to `results`, in the device's memory.
/// Chunks of each summed in order.
struct SquaredSumArguments {
  double* results = nullptr;
};

}  // namespace attune
