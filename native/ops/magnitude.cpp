// magnitude: y = x * m / norm + bias + addend.   x (T, N), m (N), norm (N), bias (N), addend (T, N), y (T, N)
// magnitude_gradient: dm = sum over t of dy * x / norm.

#include "kernels/magnitude.h"

#include <array>

#include "kernels/linear.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 5> kInputs{"x", "m", "norm", "bias", "addend"};
constexpr std::array<std::string_view, 1> kOutputs{"y"};
constexpr std::array<std::size_t, 2> kRowInputs{0, 4};
constexpr std::array<std::string_view, 3> kGradientInputs{"dy", "x", "norm"};
constexpr std::array<std::string_view, 1> kGradientOutputs{"dm"};

std::any parse(const Attributes& /*attributes*/) { return MagnitudeArguments{}; }

void check_weight_vector(const InferContext& context, std::size_t input, std::string_view name,
                         const Dimension& columns) {
  context.check_rank(input, name, 1);
  context.check_weight(input, name);
  context.check_dimension(input, name, 0, columns);
}

void check_norm(const InferContext& context, const Dimension& columns) {
  context.check_dtype(2, "norm", DType::f32);
  context.check_same_shape(2, "norm", {{columns}, DType::f32});
}

std::vector<ValueType> infer(const std::any& /*any*/, const InferContext& context) {
  context.check_rank(0, "x", 2);
  context.check_activation(0, "x");
  const ValueType& x = context.in(0, "x");
  check_weight_vector(context, 1, "m", x.dimensions[1]);
  check_norm(context, x.dimensions[1]);
  if (context.has(3)) check_weight_vector(context, 3, "bias", x.dimensions[1]);
  if (context.has(4)) {
    context.check_activation(4, "addend");
    context.check_same_shape(4, "addend", x);
  }
  return {x};
}

void gradient(GradientContext& context) {
  const ValueId dy = context.output_gradient(0);
  const ValueId norm = context.input(2);
  // First, so that an addend that is also x is fused below.
  if (context.wants(4)) context.give(4, dy);
  if (context.wants(3)) context.give(3, context.add("column_sum", ColumnSumArguments{}, {dy})[0]);
  if (context.wants(1)) {
    const MagnitudeArguments none;
    context.give(1, context.add("magnitude_gradient", none, {dy, context.input(0), norm})[0]);
  }
  if (context.wants(0)) {
    const ValueId partial = context.take_partial(0);
    context.give(
        0, context.add("magnitude", context.arguments(), {dy, context.input(1), norm, kNone, partial})[0]);
  }
}

void reference(const std::any& /*any*/, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const std::int64_t columns = inputs[0].shape[1];
  ReferenceTensor y = inputs[0];
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(y.data.size()); ++i) {
    const std::int64_t n = i % columns;
    y.data[i] *= inputs[2].data[n] > 0.0 ? inputs[1].data[n] / inputs[2].data[n] : 0.0;
    if (inputs[3].present) y.data[i] += inputs[3].data[n];
    if (inputs[4].present) y.data[i] += inputs[4].data[i];
  }
  outputs = {std::move(y)};
}

std::vector<ValueType> infer_gradient(const std::any& /*any*/, const InferContext& context) {
  context.check_rank(1, "x", 2);
  context.check_activation(1, "x");
  const ValueType& x = context.in(1, "x");
  context.check_activation(0, "dy");
  context.check_same_shape(0, "dy", x);
  check_norm(context, x.dimensions[1]);
  return {{{x.dimensions[1]}, DType::f32}};
}

Work work(const KernelCall& call) {
  const int additions = static_cast<int>(call.inputs[3].present) + static_cast<int>(call.inputs[4].present);
  return {.elements = (1 + additions) * element_count(call.outputs[0])};
}

}  // namespace

const OpDefinition magnitude_op{.name = "magnitude",
                                .inputs = kInputs,
                                .outputs = kOutputs,
                                .parse = parse,
                                .infer = infer,
                                .gradient = gradient,
                                .reference = reference,
                                .work = work,
                                .row_inputs = kRowInputs};

const OpDefinition magnitude_gradient_op{.name = "magnitude_gradient",
                                         .inputs = kGradientInputs,
                                         .outputs = kGradientOutputs,
                                         .parse = parse,
                                         .infer = infer_gradient,
                                         .work = work_per_input<2>,
                                         .accumulates_from = 0};

}  // namespace attune
