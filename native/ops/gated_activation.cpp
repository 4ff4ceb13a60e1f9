// gated_activation: y = f(gate) * up, same shapes; the backward pass needs both.

#include <array>

#include "ops/activation.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 2> kInputs{"gate", "up"};
constexpr std::array<std::string_view, 1> kOutputs{"y"};
constexpr std::array<std::string_view, 3> kBackwardInputs{"dy", "gate", "up"};
constexpr std::array<std::string_view, 2> kBackwardOutputs{"dgate", "dup"};

std::any parse(const Attributes& attributes) {
  return ActivationArguments{.kind = parse_activation_kind(attributes)};
}

std::vector<ValueType> infer(const std::any& /*any*/, const InferContext& context) {
  context.check_activation(0, "gate");
  context.check_activation(1, "up");
  context.check_same_shape(1, "up", context.in(0, "gate"));
  return {context.in(0, "gate")};
}

void gradient(GradientContext& context) {
  const std::vector<ValueId> gradients =
      context.add("gated_activation_backward", context.arguments(),
                  {context.output_gradient(0), context.input(0), context.input(1)});
  if (context.wants(0)) context.give(0, gradients[0]);
  if (context.wants(1)) context.give(1, gradients[1]);
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const ActivationArguments&>(any);
  ReferenceTensor y = inputs[0];
  for (std::size_t i = 0; i < y.data.size(); ++i) {
    y.data[i] = activate(arguments.kind, inputs[0].data[i]) * inputs[1].data[i];
  }
  outputs = {std::move(y)};
}

std::vector<ValueType> infer_backward(const std::any& /*any*/, const InferContext& context) {
  const ValueType& gate = context.in(1, "gate");
  context.check_activation(0, "dy");
  context.check_same_shape(0, "dy", gate);
  context.check_activation(1, "gate");
  context.check_activation(2, "up");
  context.check_same_shape(2, "up", gate);
  return {gate, gate};
}

}  // namespace

const OpDefinition gated_activation_op{.name = "gated_activation",
                                       .inputs = kInputs,
                                       .outputs = kOutputs,
                                       .parse = parse,
                                       .infer = infer,
                                       .gradient = gradient,
                                       .reference = reference};

const OpDefinition gated_activation_backward_op{.name = "gated_activation_backward",
                                                .inputs = kBackwardInputs,
                                                .outputs = kBackwardOutputs,
                                                .parse = parse,
                                                .infer = infer_backward};

}  // namespace attune
