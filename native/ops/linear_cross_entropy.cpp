// linear_cross_entropy: head, softmax and cross-entropy in one.   logits = h W^T + bias
//   h (R, C), w (V, C), labels (R), loss_scale (1), bias (V), token_rows (K, C) in place of rows of w; loss
//   (1) = loss_scale * sum of row losses, row_loss (R), prediction (R). The gradients are made by the forward
//   node itself while its logits are hot, so the op must be the root: the gradient that arrives at `loss` is
//   taken to be 1 (loss_scale carries every factor).

#include "kernels/linear_cross_entropy.h"

#include <array>
#include <cmath>

#include "ops/loss.h"
#include "ops/table.h"
#include "ops/token_rows.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 6> kInputs{"h", "w", "labels", "loss_scale", "bias", "token_rows"};
constexpr std::array<std::string_view, 7> kOutputs{"loss", "row_loss", "prediction", "dh",
                                                   "dw",   "dbias",    "dtoken_rows"};

std::any parse(const Attributes& attributes) {
  LinearCrossEntropyArguments arguments;
  arguments.label_smoothing = parse_label_smoothing(attributes);
  arguments.softcap = attributes.number("softcap", 0.0F);
  if (arguments.softcap < 0.0F) attributes.fail("softcap", "0 (none) or positive");
  arguments.tokens = parse_token_rows(attributes);
  return arguments;
}

std::vector<ValueType> infer(const std::any& any, const InferContext& context) {
  const auto& arguments = std::any_cast<const LinearCrossEntropyArguments&>(any);
  context.check_rank(0, "h", 2);
  context.check_activation(0, "h");
  const ValueType& h = context.in(0, "h");
  context.check_rank(1, "w", 2);
  context.check_quantizable(1, "w");
  context.check_dimension(1, "w", 1, h.dimensions[1]);
  const ValueType& w = context.in(1, "w");
  check_labels(context, 2, h.dimensions[0]);
  check_loss_scale(context, 3);
  if (context.has(4)) {
    context.check_rank(4, "bias", 1);
    context.check_weight(4, "bias");
    context.check_dimension(4, "bias", 0, w.dimensions[0]);
  }
  check_token_rows(context, 5, arguments.tokens, w.dimensions[0], h.dimensions[1]);
  std::vector<ValueType> outputs{
      loss_type(), {{h.dimensions[0]}, DType::f32}, {{h.dimensions[0]}, DType::i32}};
  if (arguments.hidden_gradient) outputs.push_back(h);
  if (arguments.weight_gradient) outputs.push_back({w.dimensions, DType::f32});
  if (arguments.bias_gradient) outputs.push_back({{w.dimensions[0]}, DType::f32});
  if (arguments.token_gradient) outputs.push_back({context.in(5, "token_rows").dimensions, DType::f32});
  return outputs;
}

void gradient(GradientContext& context) {
  check_root(context, "linear_cross_entropy");
  auto arguments = std::any_cast<LinearCrossEntropyArguments>(context.arguments());
  arguments.hidden_gradient = context.wants(0);
  arguments.weight_gradient = context.wants(1);
  arguments.bias_gradient = context.wants(4);
  arguments.token_gradient = context.wants(5);
  const std::vector<ValueId> outputs = context.extend_forward(arguments);
  std::size_t next = 3;
  if (arguments.hidden_gradient) context.give(0, outputs[next++]);
  if (arguments.weight_gradient) context.give(1, outputs[next++]);
  if (arguments.bias_gradient) context.give(4, outputs[next++]);
  if (arguments.token_gradient) context.give(5, outputs[next++]);
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const LinearCrossEntropyArguments&>(any);
  const ReferenceTensor& h = inputs[0];
  const ReferenceTensor w =
      arguments.tokens.ids.empty() ? inputs[1] : with_token_rows(inputs[1], inputs[5], arguments.tokens);
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
  const auto columns = static_cast<double>(call.inputs[0].shape[1]);
  const int hidden = 1 + static_cast<int>(arguments.hidden_gradient);
  const int products = hidden + static_cast<int>(arguments.weight_gradient);
  const int of_tokens = hidden + static_cast<int>(arguments.token_gradient);
  const auto tokens = static_cast<double>(arguments.tokens.ids.size());
  const bool any_gradient = arguments.hidden_gradient || arguments.weight_gradient ||
                            arguments.bias_gradient || arguments.token_gradient;
  const int gradients = any_gradient ? 3 : 0;
  const int cap = arguments.softcap > 0.0F ? 3 : 0;
  const int bias = static_cast<int>(call.inputs[4].present);
  return {.products = products * product_work(rows, columns, vocabulary) +
                      of_tokens * product_work(rows, columns, tokens),
          .elements = (kSoftmaxOperations + gradients + cap + bias) * rows * vocabulary};
}

}  // namespace

// Gradients of parameters follow dh; without dh one stands earlier, where the differentiator adds one copy.
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
