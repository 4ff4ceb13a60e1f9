// binary_cross_entropy: a sigmoid and its cross-entropy for each of the logits (R, C); targets (R, C),
//   loss_scale (1), positive_weights (C); loss (1), row_loss (R), dlogits (R, C). A root: see ops/loss.h.

#include "kernels/binary_cross_entropy.h"

#include <array>
#include <cmath>

#include "ops/loss.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 4> kInputs{"logits", "targets", "loss_scale", "positive_weights"};
constexpr std::array<std::string_view, 3> kOutputs{"loss", "row_loss", "dlogits"};

std::any parse(const Attributes& attributes) {
  return BinaryCrossEntropyArguments{.label_smoothing = parse_label_smoothing(attributes),
                                     .focal_gamma = parse_focal_gamma(attributes)};
}

std::vector<ValueType> infer(const std::any& any, const InferContext& context) {
  context.check_rank(0, "logits", 2);
  context.check_activation(0, "logits");
  const ValueType& logits = context.in(0, "logits");
  context.check_dtype(1, "targets", DType::f32);
  context.check_same_shape(1, "targets", logits);
  check_loss_scale(context, 2);
  check_class_values(context, 3, "positive_weights", logits.dimensions[1]);
  std::vector<ValueType> outputs{loss_type(), {{logits.dimensions[0]}, DType::f32}};
  if (std::any_cast<const BinaryCrossEntropyArguments&>(any).logits_gradient) outputs.push_back(logits);
  return outputs;
}

void gradient(GradientContext& context) {
  check_root(context, "binary_cross_entropy");
  if (!context.wants(0)) return;
  auto arguments = std::any_cast<BinaryCrossEntropyArguments>(context.arguments());
  arguments.logits_gradient = true;
  context.give(0, context.extend_forward(arguments)[2]);
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const BinaryCrossEntropyArguments&>(any);
  const auto smoothing = static_cast<double>(arguments.label_smoothing);
  const auto gamma = static_cast<double>(arguments.focal_gamma);
  const std::int64_t rows = inputs[0].shape[0];
  const std::int64_t columns = inputs[0].shape[1];
  ReferenceTensor row_loss{.shape = {rows}, .data = {}, .present = true};
  for (std::int64_t r = 0; r < rows; ++r) {
    double sum = 0.0;
    for (std::int64_t c = 0; c < columns; ++c) {
      const double logit = inputs[0].data[r * columns + c];
      const double target = inputs[1].data[r * columns + c];
      const double smoothed = target * (1.0 - smoothing) + smoothing / 2.0;
      const double weight = inputs[3].present ? inputs[3].data[c] : 1.0;
      // -log(1 - p), which is large for a large logit, and -log p = that - logit.
      const double no = logit > 0.0 ? logit + std::log1p(std::exp(-logit)) : std::log1p(std::exp(logit));
      const double loss = weight * smoothed * (no - logit) + (1.0 - smoothed) * no;
      const double miss = std::exp(-no) * target + std::exp(logit - no) * (1.0 - target);
      sum += gamma == 0.0 ? loss : std::pow(miss, gamma) * loss;
    }
    row_loss.data.push_back(sum);
  }
  ReferenceTensor loss = reference_loss(row_loss, inputs[2]);
  outputs = {std::move(loss), std::move(row_loss)};
}

/// Two logarithms of a sigmoid, weighed and summed.
Work work(const KernelCall& call) {
  const int gradient = call.as<BinaryCrossEntropyArguments>().logits_gradient ? 5 : 0;
  return {.elements = (10 + gradient) * element_count(call.inputs[0])};
}

}  // namespace

const OpDefinition binary_cross_entropy_op{.name = "binary_cross_entropy",
                                           .inputs = kInputs,
                                           .outputs = kOutputs,
                                           .parse = parse,
                                           .infer = infer,
                                           .gradient = gradient,
                                           .reference = reference,
                                           .work = work};

}  // namespace attune
