// contrastive_loss: cross-entropy over the scaled cosine similarities of each anchor to all candidates.
//   anchors (R, D), candidates (N, D), labels (R), loss_scale (1); loss (1), row_loss (R), prediction (R). A
//   root: see ops/loss.h.

#include "kernels/contrastive_loss.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ops/loss.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 4> kInputs{"anchors", "candidates", "labels", "loss_scale"};
constexpr std::array<std::string_view, 5> kOutputs{"loss", "row_loss", "prediction", "danchors",
                                                   "dcandidates"};
constexpr double kEps = 1e-12;

std::any parse(const Attributes& attributes) {
  const ContrastiveLossArguments arguments{.scale = attributes.number("scale", 20.0F)};
  if (!(arguments.scale > 0.0F)) attributes.fail("scale", "positive");
  return arguments;
}

std::vector<ValueType> infer(const std::any& any, const InferContext& context) {
  const auto& arguments = std::any_cast<const ContrastiveLossArguments&>(any);
  context.check_rank(0, "anchors", 2);
  context.check_activation(0, "anchors");
  const ValueType& anchors = context.in(0, "anchors");
  context.check_rank(1, "candidates", 2);
  context.check_activation(1, "candidates");
  context.check_dimension(1, "candidates", 1, anchors.dimensions[1]);
  const Dimension rows = anchors.dimensions[0];
  check_labels(context, 2, rows);
  check_loss_scale(context, 3);
  std::vector<ValueType> outputs{loss_type(), {{rows}, DType::f32}, {{rows}, DType::i32}};
  if (arguments.anchors_gradient) outputs.push_back(anchors);
  if (arguments.candidates_gradient) outputs.push_back(context.in(1, "candidates"));
  return outputs;
}

void gradient(GradientContext& context) {
  check_root(context, "contrastive_loss");
  auto arguments = std::any_cast<ContrastiveLossArguments>(context.arguments());
  arguments.anchors_gradient = context.wants(0);
  arguments.candidates_gradient = context.wants(1);
  const std::vector<ValueId> outputs = context.extend_forward(arguments);
  std::size_t next = 3;
  if (arguments.anchors_gradient) context.give(0, outputs[next++]);
  if (arguments.candidates_gradient) context.give(1, outputs[next]);
}

std::vector<double> unit_row(const ReferenceTensor& x, std::int64_t row) {
  const auto columns = static_cast<std::size_t>(x.shape[1]);
  const auto begin = x.data.begin() + row * x.shape[1];
  std::vector<double> unit(begin, begin + x.shape[1]);
  double squares = 0.0;
  for (const double value : unit) squares += value * value;
  for (std::size_t c = 0; c < columns; ++c) unit[c] /= std::max(std::sqrt(squares), kEps);
  return unit;
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto scale = static_cast<double>(std::any_cast<const ContrastiveLossArguments&>(any).scale);
  ReferenceTensor row_loss{.shape = {inputs[0].shape[0]}, .data = {}, .present = true};
  ReferenceTensor prediction = row_loss;
  for (std::int64_t r = 0; r < inputs[0].shape[0]; ++r) {
    const std::vector<double> anchor = unit_row(inputs[0], r);
    std::vector<double> scores;
    for (std::int64_t n = 0; n < inputs[1].shape[0]; ++n) {
      const std::vector<double> candidate = unit_row(inputs[1], n);
      double product = 0.0;
      for (std::size_t c = 0; c < anchor.size(); ++c) product += anchor[c] * candidate[c];
      scores.push_back(scale * product);
    }
    const auto label = static_cast<std::int64_t>(inputs[2].data[static_cast<std::size_t>(r)]);
    row_loss.data.push_back(
        reference_cross_entropy(scores, {.label = label, .class_weights = {}, .focal_gamma = 0.0}));
    prediction.data.push_back(static_cast<double>(first_largest(scores)));
  }
  ReferenceTensor loss = reference_loss(row_loss, inputs[3]);
  outputs = {std::move(loss), std::move(row_loss), std::move(prediction)};
}

/// Both sides are scaled to length 1 (three operations an element) and multiplied.
Work work(const KernelCall& call) {
  const auto& arguments = call.as<ContrastiveLossArguments>();
  const TensorView& anchors = call.inputs[0];
  const TensorView& candidates = call.inputs[1];
  const auto scores = static_cast<double>(anchors.shape[0] * candidates.shape[0]);
  const int products =
      1 + static_cast<int>(arguments.anchors_gradient) + static_cast<int>(arguments.candidates_gradient);
  return {
      .products = products * 2.0 * scores * static_cast<double>(anchors.shape[1]),
      .elements = kSoftmaxOperations * scores + 3.0 * (element_count(anchors) + element_count(candidates))};
}

}  // namespace

const OpDefinition contrastive_loss_op{.name = "contrastive_loss",
                                       .inputs = kInputs,
                                       .outputs = kOutputs,
                                       .parse = parse,
                                       .infer = infer,
                                       .gradient = gradient,
                                       .reference = reference,
                                       .work = work};

}  // namespace attune
