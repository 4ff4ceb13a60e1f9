// dropout: an element is 0 with probability p, else x / (1 - p). The gradient makes the same mask again.

#include "kernels/dropout.h"

#include <array>

#include "core/philox.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 1> kInputs{"x"};
constexpr std::array<std::string_view, 1> kOutputs{"y"};
constexpr std::array<std::size_t, 1> kRowInputs{0};

std::any parse(const Attributes& attributes) {
  const DropoutArguments arguments{.p = attributes.number("p", 0.0F),
                                   .stream = static_cast<std::uint32_t>(attributes.integer("stream", 0))};
  if (arguments.p < 0.0F || arguments.p >= 1.0F) attributes.fail("p", "at least 0 and below 1");
  if (attributes.integer("stream", 0) != arguments.stream)
    attributes.fail("stream", "a 32-bit unsigned integer");
  return arguments;
}

std::vector<ValueType> infer(const std::any& /*any*/, const InferContext& context) {
  context.check_activation(0, "x");
  return {context.in(0, "x")};
}

void gradient(GradientContext& context) {
  if (!context.wants(0)) return;
  context.give(0, context.add("dropout", context.arguments(), {context.output_gradient(0)})[0]);
}

/// With seed 0 and draw 0.
void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const DropoutArguments&>(any);
  ReferenceTensor y = inputs[0];
  for (std::size_t i = 0; i < y.data.size(); ++i) {
    const std::uint32_t word = philox({.stream = arguments.stream}, i / 4)[i % 4];
    y.data[i] =
        word < dropout_threshold(arguments.p) ? 0.0 : y.data[i] / (1.0 - static_cast<double>(arguments.p));
  }
  outputs = {std::move(y)};
}

}  // namespace

const OpDefinition dropout_op{.name = "dropout",
                              .inputs = kInputs,
                              .outputs = kOutputs,
                              .parse = parse,
                              .infer = infer,
                              .gradient = gradient,
                              .reference = reference,
                              .work = work_per_output<1>,
                              .row_inputs = kRowInputs};

}  // namespace attune
