// rms_norm: y = x * rstd * (weight_offset + w) over each group of C columns, rstd = 1 / sqrt(mean(x^2) + eps)
//   x (T, G * C), w (C); y (T, G * C), rstd (T, G) kept for the backward pass

#include "kernels/rms_norm.h"

#include <array>
#include <cmath>

#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 2> kInputs{"x", "w"};
constexpr std::array<std::string_view, 2> kOutputs{"y", "rstd"};
constexpr std::array<std::size_t, 1> kRowInputs{0};
constexpr std::array<std::string_view, 5> kBackwardInputs{"dy", "x", "w", "rstd", "addend"};
constexpr std::array<std::string_view, 2> kBackwardOutputs{"dx", "dw"};

std::any parse(const Attributes& attributes) {
  const RmsNormArguments arguments{.eps = attributes.number("eps", RmsNormArguments{}.eps),
                                   .weight_offset = attributes.number("weight_offset", 0.0F)};
  if (arguments.eps < 0.0F) attributes.fail("eps", "at least 0");
  return arguments;
}

std::any parse_backward(const Attributes& attributes) {
  return RmsNormBackwardArguments{.weight_offset = attributes.number("weight_offset", 0.0F)};
}

/// How many weights side by side make the columns of x.
[[nodiscard]] Dimension check_weight_groups(const InferContext& context, std::size_t input,
                                            const ValueType& x) {
  context.check_rank(input, "w", 1);
  context.check_weight(input, "w");
  const ValueType& w = context.in(input, "w");
  const Dimension columns = x.dimensions[1];
  const Dimension length = w.dimensions[0];
  if (columns == length) return {.fixed = 1};
  if (columns.name >= 0 || length.name >= 0 || length.fixed == 0 || columns.fixed % length.fixed != 0) {
    context.fail("shape-mismatch", "expected the columns of x " + context.text(x) +
                                       " to be a multiple of the length of w but received " +
                                       context.text(w) + ".");
  }
  return {.fixed = columns.fixed / length.fixed};
}

std::vector<ValueType> infer(const std::any& /*any*/, const InferContext& context) {
  context.check_rank(0, "x", 2);
  context.check_activation(0, "x");
  const ValueType& x = context.in(0, "x");
  const Dimension groups = check_weight_groups(context, 1, x);
  return {x, {{x.dimensions[0], groups}, DType::f32}};
}

void gradient(GradientContext& context) {
  const auto arguments = std::any_cast<RmsNormArguments>(context.arguments());
  const ValueId partial = context.wants(0) ? context.take_partial(0) : kNone;
  const std::vector<ValueId> gradients = context.add(
      "rms_norm_backward", RmsNormBackwardArguments{.weight_offset = arguments.weight_offset},
      {context.output_gradient(0), context.input(0), context.input(1), context.output(1), partial});
  if (context.wants(0)) context.give(0, gradients[0]);
  if (context.wants(1)) context.give(1, gradients[1]);
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const RmsNormArguments&>(any);
  const ReferenceTensor& x = inputs[0];
  const std::int64_t columns = inputs[1].shape[0];
  const std::int64_t groups = columns == 0 ? 1 : x.shape[1] / columns;
  ReferenceTensor y{.shape = x.shape, .data = {}, .present = true};
  ReferenceTensor rstds{.shape = {x.shape[0], groups}, .data = {}, .present = true};
  for (std::int64_t g = 0; g < x.shape[0] * groups; ++g) {
    const double* group = x.data.data() + g * columns;
    double mean_square = 0.0;
    for (std::int64_t c = 0; c < columns; ++c) {
      mean_square += group[c] * group[c] / static_cast<double>(columns);
    }
    const double rstd = 1.0 / std::sqrt(mean_square + static_cast<double>(arguments.eps));
    for (std::int64_t c = 0; c < columns; ++c) {
      y.data.push_back(group[c] * rstd * (static_cast<double>(arguments.weight_offset) + inputs[1].data[c]));
    }
    rstds.data.push_back(rstd);
  }
  outputs = {std::move(y), std::move(rstds)};
}

std::vector<ValueType> infer_backward(const std::any& /*any*/, const InferContext& context) {
  context.check_rank(1, "x", 2);
  context.check_activation(1, "x");
  const ValueType& x = context.in(1, "x");
  context.check_activation(0, "dy");
  context.check_same_shape(0, "dy", x);
  const Dimension groups = check_weight_groups(context, 2, x);
  context.check_dtype(3, "rstd", DType::f32);
  context.check_same_shape(3, "rstd", {{x.dimensions[0], groups}, DType::f32});
  if (context.has(4)) {
    context.check_activation(4, "addend");
    context.check_same_shape(4, "addend", x);
  }
  return {x, {context.in(2, "w").dimensions, DType::f32}};
}

}  // namespace

const OpDefinition rms_norm_op{.name = "rms_norm",
                               .inputs = kInputs,
                               .outputs = kOutputs,
                               .parse = parse,
                               .infer = infer,
                               .gradient = gradient,
                               .reference = reference,
                               .work = work_per_output<4>,
                               .row_inputs = kRowInputs};

const OpDefinition rms_norm_backward_op{.name = "rms_norm_backward",
                                        .inputs = kBackwardInputs,
                                        .outputs = kBackwardOutputs,
                                        .parse = parse_backward,
                                        .infer = infer_backward,
                                        .work = work_per_output<10>,
                                        .accumulates_from = 1};

}  // namespace attune
