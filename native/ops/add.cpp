// add: y = a + b, same shapes.   accumulate_gradient: an activation's gradient into a parameter's float32
// buffer.

#include "kernels/add.h"

#include <array>

#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 2> kInputs{"a", "b"};
constexpr std::array<std::string_view, 1> kOutputs{"y"};
constexpr std::array<std::size_t, 2> kRowInputs{0, 1};
constexpr std::array<std::string_view, 1> kAccumulateInputs{"dx"};
constexpr std::array<std::string_view, 1> kAccumulateOutputs{"gradient"};

std::any parse(const Attributes& /*attributes*/) { return AddArguments{}; }

std::vector<ValueType> infer(const std::any& /*any*/, const InferContext& context) {
  context.check_activation(0, "a");
  context.check_activation(1, "b");
  context.check_same_shape(1, "b", context.in(0, "a"));
  return {context.in(0, "a")};
}

/// Both get the same value: no copy.
void gradient(GradientContext& context) {
  const ValueId dy = context.output_gradient(0);
  if (context.wants(0)) context.give(0, dy);
  if (context.wants(1)) context.give(1, dy);
}

void reference(const std::any& /*any*/, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  ReferenceTensor y = inputs[0];
  for (std::size_t i = 0; i < y.data.size(); ++i) y.data[i] += inputs[1].data[i];
  outputs = {std::move(y)};
}

std::vector<ValueType> infer_accumulate(const std::any& /*any*/, const InferContext& context) {
  context.check_weight(0, "dx");
  return {{context.in(0, "dx").dimensions, DType::f32}};
}

}  // namespace

const OpDefinition add_op{.name = "add",
                          .inputs = kInputs,
                          .outputs = kOutputs,
                          .parse = parse,
                          .infer = infer,
                          .gradient = gradient,
                          .reference = reference,
                          .work = work_per_output<1>,
                          .row_inputs = kRowInputs};

const OpDefinition accumulate_gradient_op{.name = "accumulate_gradient",
                                          .inputs = kAccumulateInputs,
                                          .outputs = kAccumulateOutputs,
                                          .parse = parse,
                                          .infer = infer_accumulate,
                                          .work = work_per_input<1>,
                                          .accumulates_from = 0};

}  // namespace attune
