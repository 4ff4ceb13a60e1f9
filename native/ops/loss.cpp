#include "ops/loss.h"

#include <algorithm>
#include <cmath>

namespace attune {

float parse_label_smoothing(const Attributes& attributes) {
  const float smoothing = attributes.number("label_smoothing", 0.0F);
  if (smoothing < 0.0F || smoothing > 1.0F) attributes.fail("label_smoothing", "between 0 and 1");
  return smoothing;
}

float parse_focal_gamma(const Attributes& attributes) {
  const float gamma = attributes.number("focal_gamma", 0.0F);
  if (gamma < 0.0F) attributes.fail("focal_gamma", "0 (none) or positive");
  return gamma;
}

ValueType loss_type() { return {{{.fixed = 1}}, DType::f32}; }

void check_loss_scale(const InferContext& context, std::size_t input) {
  context.check_dtype(input, "loss_scale", DType::f32);
  context.check_same_shape(input, "loss_scale", loss_type());
}

void check_labels(const InferContext& context, std::size_t input, const Dimension& rows) {
  context.check_rank(input, "labels", 1);
  context.check_dtype(input, "labels", DType::i32);
  context.check_dimension(input, "labels", 0, rows);
}

void check_class_values(const InferContext& context, std::size_t input, std::string_view name,
                        const Dimension& classes) {
  if (!context.has(input)) return;
  context.check_rank(input, name, 1);
  context.check_dtype(input, name, DType::f32);
  context.check_dimension(input, name, 0, classes);
}

void check_root(GradientContext& context, std::string_view op) {
  // output_gradient(0) is the mark of the root, not a value to multiply by.
  if (context.output_gradient(0) != kNone) return;
  throw Error("not-differentiable", op,
              "Only the loss of " + std::string(op) + " can be differentiated, none of its other outputs.");
}

double reference_cross_entropy(std::span<const double> logits, const ReferenceTarget& target) {
  const double largest = logits[static_cast<std::size_t>(first_largest(logits))];
  double sum = 0.0;
  for (const double logit : logits) sum += std::exp(logit - largest);
  const double log_sum = largest + std::log(sum);
  const auto label = static_cast<std::size_t>(target.label);
  double loss = 0.0;
  for (std::size_t c = 0; c < logits.size(); ++c) {
    double q = target.smoothing / static_cast<double>(logits.size());
    if (c == label) q += 1.0 - target.smoothing;
    if (!target.class_weights.empty()) q *= target.class_weights[c];
    loss += q * (log_sum - logits[c]);
  }
  if (target.focal_gamma == 0.0) return loss;
  // 1 - p[label] without the cancellation.
  double others = 0.0;
  for (std::size_t c = 0; c < logits.size(); ++c) {
    if (c != label) others += std::exp(logits[c] - largest);
  }
  return std::pow(others / sum, target.focal_gamma) * loss;
}

std::int64_t first_largest(std::span<const double> values) {
  return std::max_element(values.begin(), values.end()) - values.begin();
}

ReferenceTensor reference_loss(const ReferenceTensor& row_loss, const ReferenceTensor& loss_scale) {
  ReferenceTensor loss{.shape = {1}, .data = {0.0}, .present = true};
  for (const double value : row_loss.data) loss.data[0] += loss_scale.data[0] * value;
  return loss;
}

}  // namespace attune
