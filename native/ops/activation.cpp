// activation: y = f(x), any shape; the backward pass needs x.

#include "ops/activation.h"

#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 1> kInputs{"x"};
constexpr std::array<std::string_view, 1> kOutputs{"y"};
constexpr std::array<std::size_t, 1> kRowInputs{0};
constexpr std::array<std::string_view, 2> kBackwardInputs{"dy", "x"};
constexpr std::array<std::string_view, 1> kBackwardOutputs{"dx"};

constexpr std::array<std::pair<std::string_view, ActivationKind>, 8> kKinds{{
    {"gelu", ActivationKind::gelu},
    {"gelu_new", ActivationKind::gelu_new},
    {"gelu_pytorch_tanh", ActivationKind::gelu_pytorch_tanh},
    {"quick_gelu", ActivationKind::quick_gelu},
    {"silu", ActivationKind::silu},
    {"relu", ActivationKind::relu},
    {"tanh", ActivationKind::tanh},
    {"sigmoid", ActivationKind::sigmoid},
}};

[[nodiscard]] double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

std::any parse(const Attributes& attributes) {
  return ActivationArguments{.kind = parse_activation_kind(attributes)};
}

std::vector<ValueType> infer(const std::any& /*any*/, const InferContext& context) {
  context.check_activation(0, "x");
  return {context.in(0, "x")};
}

void gradient(GradientContext& context) {
  if (!context.wants(0)) return;
  context.give(0, context.add("activation_backward", context.arguments(),
                              {context.output_gradient(0), context.input(0)})[0]);
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const ActivationArguments&>(any);
  ReferenceTensor y = inputs[0];
  for (double& value : y.data) value = activate(arguments.kind, value);
  outputs = {std::move(y)};
}

std::vector<ValueType> infer_backward(const std::any& /*any*/, const InferContext& context) {
  context.check_activation(0, "dy");
  context.check_activation(1, "x");
  context.check_same_shape(0, "dy", context.in(1, "x"));
  return {context.in(1, "x")};
}

Work work(const KernelCall& call) {
  const int operations = activation_operations(call.as<ActivationArguments>().kind);
  return {.elements = operations * element_count(call.outputs[0])};
}

/// The function again, about as much for its derivative, and the product with dy.
Work backward_work(const KernelCall& call) {
  const int operations = 2 * activation_operations(call.as<ActivationArguments>().kind) + 1;
  return {.elements = operations * element_count(call.outputs[0])};
}

}  // namespace

ActivationKind parse_activation_kind(const Attributes& attributes) {
  const std::string wanted = attributes.text("kind", "");
  std::string known;
  for (const auto& [name, kind] : kKinds) {
    if (name == wanted) return kind;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  attributes.fail("kind", "one of " + known);
}

double activate(ActivationKind kind, double x) {
  switch (kind) {
    case ActivationKind::gelu:
      return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2));
    case ActivationKind::gelu_new:
    case ActivationKind::gelu_pytorch_tanh:
      // Hendrycks and Gimpel 2016: 0.044715 makes tanh follow erf.
      return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case ActivationKind::quick_gelu:
      return x * sigmoid(1.702 * x);
    case ActivationKind::silu:
      return x * sigmoid(x);
    case ActivationKind::relu:
      return x > 0.0 ? x : 0.0;
    case ActivationKind::tanh:
      return std::tanh(x);
    case ActivationKind::sigmoid:
      return sigmoid(x);
  }
  return 0.0;
}

int activation_operations(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::gelu:
      return 5;  // x / sqrt(2), erf, + 1, * x, / 2
    case ActivationKind::gelu_new:
    case ActivationKind::gelu_pytorch_tanh:
      return 8;  // a cubic inside the tanh
    case ActivationKind::quick_gelu:
      return 6;
    case ActivationKind::silu:
      return 5;
    case ActivationKind::sigmoid:
      return 4;
    case ActivationKind::relu:
    case ActivationKind::tanh:
      return 1;
  }
  return 1;
}

const OpDefinition activation_op{.name = "activation",
                                 .inputs = kInputs,
                                 .outputs = kOutputs,
                                 .parse = parse,
                                 .infer = infer,
                                 .gradient = gradient,
                                 .reference = reference,
                                 .work = work,
                                 .row_inputs = kRowInputs};

const OpDefinition activation_backward_op{.name = "activation_backward",
                                          .inputs = kBackwardInputs,
                                          .outputs = kBackwardOutputs,
                                          .parse = parse,
                                          .infer = infer_backward,
                                          .work = backward_work};

}  // namespace attune
