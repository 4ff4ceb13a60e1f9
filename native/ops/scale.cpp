// scale: y = factor * x, any shape. Its gradient is the same op.

#include "kernels/scale.h"

#include <array>

#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 1> kInputs{"x"};
constexpr std::array<std::string_view, 1> kOutputs{"y"};
constexpr std::array<std::size_t, 1> kRowInputs{0};

std::any parse(const Attributes& attributes) {
  return ScaleArguments{.factor = attributes.number("factor", 1.0F)};
}

std::vector<ValueType> infer(const std::any& /*any*/, const InferContext& context) {
  context.check_activation(0, "x");
  return {context.in(0, "x")};
}

void gradient(GradientContext& context) {
  if (!context.wants(0)) return;
  context.give(0, context.add("scale", context.arguments(), {context.output_gradient(0)})[0]);
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  ReferenceTensor y = inputs[0];
  for (double& value : y.data) value *= static_cast<double>(std::any_cast<const ScaleArguments&>(any).factor);
  outputs = {std::move(y)};
}

}  // namespace

const OpDefinition scale_op{.name = "scale",
                            .inputs = kInputs,
                            .outputs = kOutputs,
                            .parse = parse,
                            .infer = infer,
                            .gradient = gradient,
                            .reference = reference,
                            .work = work_per_output<1>,
                            .row_inputs = kRowInputs};

}  // namespace attune
