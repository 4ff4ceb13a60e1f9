// binary_cross_entropy: row_loss[r] = sum_c f (-w s log p - (1 - s) log(1 - p)), p = sigmoid(logits), see
// kernels/binary_cross_entropy.h. A warp has a row.

#include "kernels/cuda/binary_cross_entropy.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {
namespace {

struct LossAndSlope {
  float loss;
  float slope;
};

__device__ LossAndSlope element_loss(const BinaryCrossEntropy& a, float logit, float target, float weight) {
  const float smoothed = target * (1.0F - a.smoothing) + a.smoothing * 0.5F;
  // exp of what is not positive never overflows; near and far are the probabilities of the nearer answer and
  // of the other one, each without cancellation.
  const float e = expf(-fabsf(logit));
  const float near = 1.0F / (1.0F + e);
  const float far = e / (1.0F + e);
  const float yes = logit > 0.0F ? near : far;
  const float no = logit > 0.0F ? far : near;
  const float log_near = -log1pf(e);
  const float log_yes = logit > 0.0F ? log_near : logit + log_near;
  const float log_no = logit > 0.0F ? log_near - logit : log_near;
  LossAndSlope out{-weight * smoothed * log_yes - (1.0F - smoothed) * log_no,
                   -weight * smoothed * no + (1.0F - smoothed) * yes};
  if (a.focal_gamma == 0.0F) return out;
  const float missed = yes * (1.0F - target) + no * target;
  const float factor = powf(missed, a.focal_gamma);
  // d missed / d logit = yes no (1 - 2 target), which is missed times something for a target of 0 or 1: where
  // missed is 0 so is it.
  const float relative = missed > 0.0F ? yes * no * (1.0F - 2.0F * target) / missed : 0.0F;
  out.slope = factor * (out.slope + a.focal_gamma * out.loss * relative);
  out.loss *= factor;
  return out;
}

template <class T>
__device__ void binary_cross_entropy(const BinaryCrossEntropy& a) {
  const std::int64_t r = warp_of_grid();
  if (r >= a.rows) return;
  const T* const logits = static_cast<const T*>(a.logits) + r * a.columns;
  const float* const targets = a.targets + r * a.columns;
  T* const dlogits = a.dlogits == nullptr ? nullptr : static_cast<T*>(a.dlogits) + r * a.columns;
  const float scale = *a.scale;
  float sum = 0.0F;
  // One by one: a row has as many columns as there are labels, and the formula is long.
  for (std::int64_t c = lane_id(); c < a.columns; c += kWarp) {
    const float weight = a.weights == nullptr ? 1.0F : a.weights[c];
    const LossAndSlope element = element_loss(a, to_float(logits[c]), targets[c], weight);
    sum += element.loss;
    if (dlogits != nullptr) dlogits[c] = from_float<T>(scale * element.slope);
  }
  sum = warp_sum(sum);
  if (lane_id() == 0) a.row_loss[r] = sum;
}

ATTUNE_ENTRIES(binary_cross_entropy, BinaryCrossEntropy, kBinaryCrossEntropyThreads)

}  // namespace
}  // namespace attune::cuda
