// cross_entropy: softmax and cross-entropy over given logits (R, C); labels (R), loss_scale (1),
//   class_weights (C); loss (1), row_loss (R), prediction (R), dlogits (R, C). A root: see ops/loss.h.

#include "kernels/cross_entropy.h"

#include <array>

#include "ops/loss.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 4> kInputs{"logits", "labels", "loss_scale", "class_weights"};
constexpr std::array<std::string_view, 4> kOutputs{"loss", "row_loss", "prediction", "dlogits"};

std::any parse(const Attributes& attributes) {
  return CrossEntropyArguments{.label_smoothing = parse_label_smoothing(attributes),
                               .focal_gamma = parse_focal_gamma(attributes)};
}

std::vector<ValueType> infer(const std::any& any, const InferContext& context) {
  context.check_rank(0, "logits", 2);
  context.check_activation(0, "logits");
  const ValueType& logits = context.in(0, "logits");
  const Dimension rows = logits.dimensions[0];
  check_labels(context, 1, rows);
  check_loss_scale(context, 2);
  check_class_values(context, 3, "class_weights", logits.dimensions[1]);
  std::vector<ValueType> outputs{loss_type(), {{rows}, DType::f32}, {{rows}, DType::i32}};
  if (std::any_cast<const CrossEntropyArguments&>(any).logits_gradient) outputs.push_back(logits);
  return outputs;
}

void gradient(GradientContext& context) {
  check_root(context, "cross_entropy");
  if (!context.wants(0)) return;
  auto arguments = std::any_cast<CrossEntropyArguments>(context.arguments());
  arguments.logits_gradient = true;
  context.give(0, context.extend_forward(arguments)[3]);
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const CrossEntropyArguments&>(any);
  const ReferenceTensor& logits = inputs[0];
  const auto classes = static_cast<std::size_t>(logits.shape[1]);
  ReferenceTensor row_loss{.shape = {logits.shape[0]}, .data = {}, .present = true};
  ReferenceTensor prediction = row_loss;
  ReferenceTarget target{.smoothing = static_cast<double>(arguments.label_smoothing),
                         .class_weights = inputs[3].data,
                         .focal_gamma = static_cast<double>(arguments.focal_gamma)};
  for (std::size_t r = 0; r < inputs[1].data.size(); ++r) {
    const std::span<const double> row(logits.data.data() + r * classes, classes);
    target.label = static_cast<std::int64_t>(inputs[1].data[r]);
    row_loss.data.push_back(reference_cross_entropy(row, target));
    prediction.data.push_back(static_cast<double>(first_largest(row)));
  }
  ReferenceTensor loss = reference_loss(row_loss, inputs[2]);
  outputs = {std::move(loss), std::move(row_loss), std::move(prediction)};
}

Work work(const KernelCall& call) {
  const int gradient = call.as<CrossEntropyArguments>().logits_gradient ? 3 : 0;
  return {.elements = (kSoftmaxOperations + gradient) * element_count(call.inputs[0])};
}

}  // namespace

const OpDefinition cross_entropy_op{.name = "cross_entropy",
                                    .inputs = kInputs,
                                    .outputs = kOutputs,
                                    .parse = parse,
                                    .infer = infer,
                                    .gradient = gradient,
                                    .reference = reference,
                                    .work = work};

}  // namespace attune
