// linear_cross_entropy: head, softmax and cross-entropy in one.   logits = h W^T + bias
//   h (R, C), w (V, C), labels (R), loss_scale (1), bias (V); loss (1) = loss_scale * sum of row losses,
//   row_loss (R), prediction (R). The gradients are made by the forward node itself while its logits are hot,
//   so the op must be the root: the gradient that arrives at `loss` is taken to be 1 (loss_scale carries
//   every factor).

#include "kernels/linear_cross_entropy.h"

#include <array>
#include <cmath>

#include "ops/loss.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 5> kInputs{"h", "w", "labels", "loss_scale", "bias"};
constexpr std::array<std::string_view, 6> kOutputs{"loss", "row_loss", "prediction", "dh", "dw", "dbias"};

std::any parse(const Attributes& attributes) {
  const LinearCrossEntropyArguments arguments{.label_smoothing = parse_label_smoothing(attributes),
                                              .softcap = attributes.number("softcap", 0.0F)};
  if (arguments.softcap < 0.0F) attributes.fail("softcap", "0 (none) or positive");
  return arguments;
}

std::vector<ValueType> infer(const std::any& any, const InferContext& context) {
  const auto& arguments = std::any_cast<const LinearCrossEntropyArguments&>(any);
  context.check_rank(0, "h", 2);
  context.check_activation(0, "h");
  const ValueType& h = context.in(0, "h");
  context.check_rank(1, "w", 2);
  context.check_weight(1, "w");
  context.check_dimension(1, "w", 1, h.dimensions[1]);
  const ValueType& w = context.in(1, "w");
  check_labels(context, 2, h.dimensions[0]);
  check_loss_scale(context, 3);
  if (context.has(4)) {
    context.check_rank(4, "bias", 1);
    context.check_weight(4, "bias");
    context.check_dimension(4, "bias", 0, w.dimensions[0]);
  }
  std::vector<ValueType> outputs{
      loss_type(), {{h.dimensions[0]}, DType::f32}, {{h.dimensions[0]}, DType::i32}};
  if (arguments.hidden_gradient) outputs.push_back(h);
  if (arguments.weight_gradient) outputs.push_back({w.dimensions, DType::f32});
  if (arguments.bias_gradient) outputs.push_back({{w.dimensions[0]}, DType::f32});
  return outputs;
}

void gradient(GradientContext& context) {
  check_root(context, "linear_cross_entropy");
  auto arguments = std::any_cast<LinearCrossEntropyArguments>(context.arguments());
  arguments.hidden_gradient = context.wants(0);
  arguments.weight_gradient = context.wants(1);
  arguments.bias_gradient = context.wants(4);
  const std::vector<ValueId> outputs = context.extend_forward(arguments);
  std::size_t next = 3;
  if (arguments.hidden_gradient) context.give(0, outputs[next++]);
  if (arguments.weight_gradient) context.give(1, outputs[next++]);
  if (arguments.bias_gradient) context.give(4, outputs[next++]);
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const LinearCrossEntropyArguments&>(any);
  const ReferenceTensor& h = inputs[0];
  const ReferenceTensor& w = inputs[1];
  const std::int64_t rows = h.shape[0];
  const std::int64_t columns = h.shape[1];
  const std::int64_t vocabulary = w.shape[0];
  const auto softcap = static_cast<double>(arguments.softcap);
  ReferenceTensor row_loss{.shape = {rows}, .data = {}, .present = true};
  ReferenceTensor prediction = row_loss;
  std::vector<double> logits(static_cast<std::size_t>(vocabulary));
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t v = 0; v < vocabulary; ++v) {
      double logit = inputs.size() > 4 && inputs[4].present ? inputs[4].data[v] : 0.0;
      for (std::int64_t c = 0; c < columns; ++c) logit += h.data[r * columns + c] * w.data[v * columns + c];
      logits[v] = softcap > 0.0 ? softcap * std::tanh(logit / softcap) : logit;
    }
    row_loss.data.push_back(
        reference_cross_entropy(logits, {.label = static_cast<std::int64_t>(inputs[2].data[r]),
                                         .smoothing = static_cast<double>(arguments.label_smoothing),
                                         .class_weights = {}}));
    prediction.data.push_back(static_cast<double>(first_largest(logits)));
  }
  ReferenceTensor loss = reference_loss(row_loss, inputs[3]);
  outputs = {std::move(loss), std::move(row_loss), std::move(prediction)};
}

Work work(const KernelCall& call) {
  const auto& arguments = call.as<LinearCrossEntropyArguments>();
  const auto rows = static_cast<double>(call.inputs[0].shape[0]);
  const auto vocabulary = static_cast<double>(call.inputs[1].shape[0]);
  const int products =
      1 + static_cast<int>(arguments.hidden_gradient) + static_cast<int>(arguments.weight_gradient);
  const int gradients =
      arguments.hidden_gradient || arguments.weight_gradient || arguments.bias_gradient ? 3 : 0;
  const int cap = arguments.softcap > 0.0F ? 3 : 0;
  const int bias = static_cast<int>(call.inputs[4].present);
  return {.products = products * product_work(rows, static_cast<double>(call.inputs[0].shape[1]), vocabulary),
          .elements = (kSoftmaxOperations + gradients + cap + bias) * rows * vocabulary};
}

}  // namespace

// dw and dbias follow dh; without dh they stand earlier, where the differentiator adds one copy.
const OpDefinition linear_cross_entropy_op{.name = "linear_cross_entropy",
                                           .inputs = kInputs,
                                           .outputs = kOutputs,
                                           .parse = parse,
                                           .infer = infer,
                                           .gradient = gradient,
                                           .reference = reference,
                                           .work = work,
                                           .accumulates_from = 4};

}  // namespace attune
