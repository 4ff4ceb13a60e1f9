// gated_activation: y = f(gate) * up, same shapes, or both halves (T, 2N) in one input; the backward pass
// needs them.

#include <array>

#include "ops/activation.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 2> kInputs{"gate", "up"};
constexpr std::array<std::string_view, 1> kOutputs{"y"};
constexpr std::array<std::size_t, 2> kRowInputs{0, 1};
constexpr std::array<std::string_view, 3> kBackwardInputs{"dy", "gate", "up"};
constexpr std::array<std::string_view, 2> kBackwardOutputs{"dgate", "dup"};

std::any parse(const Attributes& attributes) {
  GatedActivationArguments arguments{.kind = parse_activation_kind(attributes)};
  const std::string order = attributes.text("order", "gate_up");
  if (order == "up_gate") {
    arguments.order = GateOrder::up_gate;
  } else if (order != "gate_up") {
    attributes.fail("order", "'gate_up' or 'up_gate'");
  }
  return arguments;
}

/// The shape of y, once gate and up are known to fit.
[[nodiscard]] ValueType check_halves(const InferContext& context, std::size_t gate_input) {
  context.check_activation(gate_input, "gate");
  const ValueType& gate = context.in(gate_input, "gate");
  if (context.has(gate_input + 1)) {
    context.check_activation(gate_input + 1, "up");
    context.check_same_shape(gate_input + 1, "up", gate);
    return gate;
  }
  context.check_rank(gate_input, "gate", 2);
  const Dimension columns = gate.dimensions[1];
  if (columns.name >= 0 || columns.fixed % 2 != 0) {
    context.fail("shape-mismatch",
                 "expected two halves of the same size in gate, as there is no up, but received " +
                     context.text(gate) + ".");
  }
  return {{gate.dimensions[0], {.fixed = columns.fixed / 2}}, gate.dtype};
}

std::vector<ValueType> infer(const std::any& /*any*/, const InferContext& context) {
  return {check_halves(context, 0)};
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
  const auto& arguments = std::any_cast<const GatedActivationArguments&>(any);
  ReferenceTensor y = inputs[0];
  if (inputs[1].present) {
    for (std::size_t i = 0; i < y.data.size(); ++i) {
      y.data[i] = activate(arguments.kind, inputs[0].data[i]) * inputs[1].data[i];
    }
  } else {
    const std::int64_t columns = inputs[0].shape[1] / 2;
    const std::int64_t gate = arguments.order == GateOrder::gate_up ? 0 : columns;
    y = {.shape = {inputs[0].shape[0], columns}, .data = {}, .present = true};
    for (std::int64_t t = 0; t < y.shape[0]; ++t) {
      const double* row = inputs[0].data.data() + t * 2 * columns;
      for (std::int64_t c = 0; c < columns; ++c) {
        y.data.push_back(activate(arguments.kind, row[gate + c]) * row[columns - gate + c]);
      }
    }
  }
  outputs = {std::move(y)};
}

std::vector<ValueType> infer_backward(const std::any& /*any*/, const InferContext& context) {
  const ValueType y = check_halves(context, 1);
  context.check_activation(0, "dy");
  context.check_same_shape(0, "dy", y);
  const ValueType& gate = context.in(1, "gate");
  if (context.has(2)) return {gate, gate};
  return {gate};
}

Work work(const KernelCall& call) {
  const int operations = activation_operations(call.as<GatedActivationArguments>().kind) + 1;
  return {.elements = operations * element_count(call.outputs[0])};
}

/// The function again, about as much for its derivative, and dy times the one and the other.
Work backward_work(const KernelCall& call) {
  const int operations = 2 * activation_operations(call.as<GatedActivationArguments>().kind) + 3;
  return {.elements = operations * element_count(call.inputs[0])};
}

}  // namespace

const OpDefinition gated_activation_op{.name = "gated_activation",
                                       .inputs = kInputs,
                                       .outputs = kOutputs,
                                       .parse = parse,
                                       .infer = infer,
                                       .gradient = gradient,
                                       .reference = reference,
                                       .work = work,
                                       .row_inputs = kRowInputs};

const OpDefinition gated_activation_backward_op{.name = "gated_activation_backward",
                                                .inputs = kBackwardInputs,
                                                .outputs = kBackwardOutputs,
                                                .parse = parse,
                                                .infer = infer_backward,
                                                .work = backward_work};

}  // namespace attune
