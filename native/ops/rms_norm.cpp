// rms_norm: y = x * rstd * (weight_offset + w) over each row, rstd = 1 / sqrt(mean(x^2) + eps)
//   x (T, C), w (C); y (T, C), rstd (T) kept for the backward pass

#include "kernels/rms_norm.h"

#include <array>
#include <cmath>

#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 2> kInputs{"x", "w"};
constexpr std::array<std::string_view, 2> kOutputs{"y", "rstd"};
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

void check_weight_vector(const InferContext& context, std::size_t input, const Dimension& size) {
  context.check_rank(input, "w", 1);
  context.check_weight(input, "w");
  context.check_dimension(input, "w", 0, size);
}

std::vector<ValueType> infer(const std::any& /*any*/, const InferContext& context) {
  context.check_rank(0, "x", 2);
  context.check_activation(0, "x");
  const ValueType& x = context.in(0, "x");
  check_weight_vector(context, 1, x.dimensions[1]);
  return {x, {{x.dimensions[0]}, DType::f32}};
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
  const std::int64_t rows = x.shape[0];
  const std::int64_t columns = x.shape[1];
  ReferenceTensor y{.shape = x.shape, .data = {}, .present = true};
  ReferenceTensor rstds{.shape = {rows}, .data = {}, .present = true};
  for (std::int64_t t = 0; t < rows; ++t) {
    const double* row = x.data.data() + t * columns;
    double mean_square = 0.0;
    for (std::int64_t c = 0; c < columns; ++c) mean_square += row[c] * row[c] / static_cast<double>(columns);
    const double rstd = 1.0 / std::sqrt(mean_square + static_cast<double>(arguments.eps));
    for (std::int64_t c = 0; c < columns; ++c) {
      y.data.push_back(row[c] * rstd * (static_cast<double>(arguments.weight_offset) + inputs[1].data[c]));
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
  check_weight_vector(context, 2, x.dimensions[1]);
  context.check_dtype(3, "rstd", DType::f32);
  context.check_same_shape(3, "rstd", {{x.dimensions[0]}, DType::f32});
  if (context.has(4)) {
    context.check_activation(4, "addend");
    context.check_same_shape(4, "addend", x);
  }
  return {x, {{x.dimensions[1]}, DType::f32}};
}

}  // namespace

const OpDefinition rms_norm_op{.name = "rms_norm",
                               .inputs = kInputs,
                               .outputs = kOutputs,
                               .parse = parse,
                               .infer = infer,
                               .gradient = gradient,
                               .reference = reference};

const OpDefinition rms_norm_backward_op{.name = "rms_norm_backward",
                                        .inputs = kBackwardInputs,
                                        .outputs = kBackwardOutputs,
                                        .parse = parse_backward,
                                        .infer = infer_backward,
                                        .accumulates_from = 1};

}  // namespace attune
