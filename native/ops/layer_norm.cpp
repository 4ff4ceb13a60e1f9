// layer_norm: y = (x - mean) * rstd * w + b over each row, rstd = 1 / sqrt(variance + eps)
//   x (T, C), w (C), b? (C); y (T, C), mean (T) and rstd (T) kept for the backward pass

#include "kernels/layer_norm.h"

#include <array>
#include <cmath>

#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 3> kInputs{"x", "w", "b"};
constexpr std::array<std::string_view, 3> kOutputs{"y", "mean", "rstd"};
constexpr std::array<std::size_t, 1> kRowInputs{0};
constexpr std::array<std::string_view, 6> kBackwardInputs{"dy", "x", "w", "mean", "rstd", "addend"};
constexpr std::array<std::string_view, 3> kBackwardOutputs{"dx", "dw", "db"};

std::any parse(const Attributes& attributes) {
  const LayerNormArguments arguments{.eps = attributes.number("eps", LayerNormArguments{}.eps)};
  if (arguments.eps < 0.0F) attributes.fail("eps", "at least 0");
  return arguments;
}

std::any parse_backward(const Attributes& attributes) {
  return LayerNormBackwardArguments{.has_bias = attributes.boolean("has_bias", true)};
}

void check_vector(const InferContext& context, std::size_t input, std::string_view name,
                  const Dimension& size) {
  context.check_rank(input, name, 1);
  context.check_weight(input, name);
  context.check_dimension(input, name, 0, size);
}

std::vector<ValueType> infer(const std::any& /*any*/, const InferContext& context) {
  context.check_rank(0, "x", 2);
  context.check_activation(0, "x");
  const ValueType& x = context.in(0, "x");
  check_vector(context, 1, "w", x.dimensions[1]);
  if (context.has(2)) check_vector(context, 2, "b", x.dimensions[1]);
  const ValueType statistic{{x.dimensions[0]}, DType::f32};
  return {x, statistic, statistic};
}

void gradient(GradientContext& context) {
  const bool has_bias = context.input(2) != kNone;
  const ValueId partial = context.wants(0) ? context.take_partial(0) : kNone;
  const std::vector<ValueId> gradients =
      context.add("layer_norm_backward", LayerNormBackwardArguments{.has_bias = has_bias},
                  {context.output_gradient(0), context.input(0), context.input(1), context.output(1),
                   context.output(2), partial});
  if (context.wants(0)) context.give(0, gradients[0]);
  if (context.wants(1)) context.give(1, gradients[1]);
  if (context.wants(2)) context.give(2, gradients[2]);
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const LayerNormArguments&>(any);
  const ReferenceTensor& x = inputs[0];
  const std::int64_t rows = x.shape[0];
  const std::int64_t columns = x.shape[1];
  ReferenceTensor y{.shape = x.shape, .data = {}, .present = true};
  ReferenceTensor means{.shape = {rows}, .data = {}, .present = true};
  ReferenceTensor rstds{.shape = {rows}, .data = {}, .present = true};
  for (std::int64_t t = 0; t < rows; ++t) {
    const double* row = x.data.data() + t * columns;
    double mean = 0.0;
    for (std::int64_t c = 0; c < columns; ++c) mean += row[c] / static_cast<double>(columns);
    double variance = 0.0;
    for (std::int64_t c = 0; c < columns; ++c) {
      variance += (row[c] - mean) * (row[c] - mean) / static_cast<double>(columns);
    }
    const double rstd = 1.0 / std::sqrt(variance + static_cast<double>(arguments.eps));
    for (std::int64_t c = 0; c < columns; ++c) {
      const double bias = inputs.size() > 2 && inputs[2].present ? inputs[2].data[c] : 0.0;
      y.data.push_back((row[c] - mean) * rstd * inputs[1].data[c] + bias);
    }
    means.data.push_back(mean);
    rstds.data.push_back(rstd);
  }
  outputs = {std::move(y), std::move(means), std::move(rstds)};
}

std::vector<ValueType> infer_backward(const std::any& any, const InferContext& context) {
  const auto& arguments = std::any_cast<const LayerNormBackwardArguments&>(any);
  context.check_rank(1, "x", 2);
  context.check_activation(1, "x");
  const ValueType& x = context.in(1, "x");
  context.check_activation(0, "dy");
  context.check_same_shape(0, "dy", x);
  check_vector(context, 2, "w", x.dimensions[1]);
  const ValueType statistic{{x.dimensions[0]}, DType::f32};
  context.check_dtype(3, "mean", DType::f32);
  context.check_same_shape(3, "mean", statistic);
  context.check_dtype(4, "rstd", DType::f32);
  context.check_same_shape(4, "rstd", statistic);
  if (context.has(5)) {
    context.check_activation(5, "addend");
    context.check_same_shape(5, "addend", x);
  }
  const ValueType weight{{x.dimensions[1]}, DType::f32};
  if (arguments.has_bias) return {x, weight, weight};
  return {x, weight};
}

}  // namespace

const OpDefinition layer_norm_op{.name = "layer_norm",
                                 .inputs = kInputs,
                                 .outputs = kOutputs,
                                 .parse = parse,
                                 .infer = infer,
                                 .gradient = gradient,
                                 .reference = reference,
                                 .work = work_per_output<8>,
                                 .row_inputs = kRowInputs};

const OpDefinition layer_norm_backward_op{.name = "layer_norm_backward",
                                          .inputs = kBackwardInputs,
                                          .outputs = kBackwardOutputs,
                                          .parse = parse_backward,
                                          .infer = infer_backward,
                                          .work = work_per_output<13>,
                                          .accumulates_from = 1};

}  // namespace attune
