// linear: sum = scale * x W + bias + low_rank_scale * u B + addend, y = sum or activation(sum)
//   x (T, K), W (K, N) in `layout`, bias (N), u (T, R), B (R, N) in `low_rank_layout`, addend (T, N), y (T,
//   N)
// linear_weight_gradient: dw = scale * x^T dy, in W's layout.   column_sum: the gradient of a bias.

#include "ops/linear.h"

#include <array>

#include "ops/activation.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 6> kInputs{"x", "w", "bias", "u", "b", "addend"};
constexpr std::array<std::string_view, 2> kOutputs{"y", "sum"};
constexpr std::array<std::size_t, 3> kRowInputs{0, 3, 5};
constexpr std::array<std::string_view, 2> kWeightGradientInputs{"x", "dy"};
constexpr std::array<std::string_view, 1> kWeightGradientOutputs{"dw"};
constexpr std::array<std::string_view, 1> kColumnSumInputs{"dy"};
constexpr std::array<std::string_view, 1> kColumnSumOutputs{"sum"};

[[nodiscard]] WeightLayout flipped(WeightLayout layout) {
  return layout == WeightLayout::out_in ? WeightLayout::in_out : WeightLayout::out_in;
}

std::any parse(const Attributes& attributes) {
  LinearArguments arguments;
  arguments.layout = parse_weight_layout(attributes, "layout");
  arguments.scale = attributes.number("scale", 1.0F);
  arguments.low_rank_layout = parse_weight_layout(attributes, "low_rank_layout");
  arguments.low_rank_scale = attributes.number("low_rank_scale", 1.0F);
  return arguments;
}

std::any parse_weight_gradient(const Attributes& attributes) {
  return LinearWeightGradientArguments{.layout = parse_weight_layout(attributes, "layout"),
                                       .scale = attributes.number("scale", 1.0F)};
}

std::any parse_column_sum(const Attributes& /*attributes*/) { return ColumnSumArguments{}; }

/// Checks a matrix against what it multiplies; returns its output size.
[[nodiscard]] Dimension check_matrix(const InferContext& context, std::size_t input, std::string_view name,
                                     WeightLayout layout, std::size_t multiplied,
                                     std::string_view multiplied_name) {
  context.check_rank(multiplied, multiplied_name, 2);
  context.check_activation(multiplied, multiplied_name);
  context.check_rank(input, name, 2);
  context.check_quantizable(input, name);
  const ValueType& x = context.in(multiplied, multiplied_name);
  const ValueType& w = context.in(input, name);
  const std::size_t in_axis = layout == WeightLayout::out_in ? 1 : 0;
  if (!(w.dimensions[in_axis] == x.dimensions[1])) {
    context.fail("shape-mismatch", "expected the columns of " + std::string(multiplied_name) + " " +
                                       context.text(x) + " to equal the " +
                                       (in_axis == 1 ? "columns" : "rows") + " of " + std::string(name) +
                                       " but received " + context.text(w) + ".");
  }
  return w.dimensions[1 - in_axis];
}

std::vector<ValueType> infer(const std::any& any, const InferContext& context) {
  const auto& arguments = std::any_cast<const LinearArguments&>(any);
  const Dimension columns = check_matrix(context, 1, "w", arguments.layout, 0, "x");
  const ValueType y{{context.in(0, "x").dimensions[0], columns}, context.activation_dtype};
  if (context.has(2)) {
    context.check_rank(2, "bias", 1);
    context.check_weight(2, "bias");
    context.check_dimension(2, "bias", 0, columns);
  }
  if (context.has(3) || context.has(4)) {
    const Dimension low_rank_columns = check_matrix(context, 4, "b", arguments.low_rank_layout, 3, "u");
    context.check_dimension(3, "u", 0, y.dimensions[0]);
    if (!(low_rank_columns == columns)) {
      context.check_dimension(4, "b", arguments.low_rank_layout == WeightLayout::out_in ? 0 : 1, columns);
    }
  }
  if (context.has(5)) {
    context.check_activation(5, "addend");
    context.check_same_shape(5, "addend", y);
  }
  if (arguments.keeps_sum) return {y, y};
  return {y};
}

void gradient(GradientContext& context) {
  const auto arguments = std::any_cast<LinearArguments>(context.arguments());
  const ValueId dy = context.output_gradient(0);
  // First, so that an addend that is also x is fused below.
  if (context.wants(5)) context.give(5, dy);
  if (context.wants(2)) context.give(2, context.add("column_sum", ColumnSumArguments{}, {dy})[0]);
  if (context.wants(3)) {
    const ValueId partial = context.take_partial(3);
    const LinearArguments back{.layout = flipped(arguments.low_rank_layout),
                               .scale = arguments.low_rank_scale};
    context.give(3, context.add("linear", back, {dy, context.input(4), kNone, kNone, kNone, partial})[0]);
  }
  if (context.wants(4)) {
    const LinearWeightGradientArguments back{.layout = arguments.low_rank_layout,
                                             .scale = arguments.low_rank_scale};
    context.give(4, context.add("linear_weight_gradient", back, {context.input(3), dy})[0]);
  }
  if (context.wants(1)) {
    const LinearWeightGradientArguments back{.layout = arguments.layout, .scale = arguments.scale};
    context.give(1, context.add("linear_weight_gradient", back, {context.input(0), dy})[0]);
  }
  if (context.wants(0)) {
    const ValueId partial = context.take_partial(0);
    const LinearArguments back{.layout = flipped(arguments.layout), .scale = arguments.scale};
    context.give(0, context.add("linear", back, {dy, context.input(1), kNone, kNone, kNone, partial})[0]);
  }
}

/// y (T, N) += scale * x (T, K) W
void add_product(ReferenceTensor& y, const ReferenceTensor& x, const ReferenceTensor& w, WeightLayout layout,
                 double scale) {
  const std::int64_t rows = x.shape[0];
  const std::int64_t inner = x.shape[1];
  const std::int64_t columns = y.shape[1];
  for (std::int64_t t = 0; t < rows; ++t) {
    for (std::int64_t n = 0; n < columns; ++n) {
      double sum = 0.0;
      for (std::int64_t k = 0; k < inner; ++k) {
        sum +=
            x.data[t * inner + k] * w.data[layout == WeightLayout::out_in ? n * inner + k : k * columns + n];
      }
      y.data[t * columns + n] += scale * sum;
    }
  }
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const LinearArguments&>(any);
  const std::int64_t rows = inputs[0].shape[0];
  const std::int64_t columns = inputs[1].shape[arguments.layout == WeightLayout::out_in ? 0 : 1];
  ReferenceTensor y{.shape = {rows, columns}, .data = {}, .present = true};
  y.data.resize(static_cast<std::size_t>(rows * columns));
  add_product(y, inputs[0], inputs[1], arguments.layout, arguments.scale);
  if (inputs.size() > 4 && inputs[4].present) {
    add_product(y, inputs[3], inputs[4], arguments.low_rank_layout, arguments.low_rank_scale);
  }
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    if (inputs.size() > 2 && inputs[2].present) y.data[i] += inputs[2].data[i % columns];
    if (inputs.size() > 5 && inputs[5].present) y.data[i] += inputs[5].data[i];
  }
  outputs = {std::move(y)};
}

std::vector<ValueType> infer_weight_gradient(const std::any& any, const InferContext& context) {
  const auto& arguments = std::any_cast<const LinearWeightGradientArguments&>(any);
  context.check_rank(0, "x", 2);
  context.check_activation(0, "x");
  context.check_rank(1, "dy", 2);
  context.check_activation(1, "dy");
  const ValueType& x = context.in(0, "x");
  const ValueType& dy = context.in(1, "dy");
  context.check_dimension(1, "dy", 0, x.dimensions[0]);
  if (arguments.layout == WeightLayout::out_in) return {{{dy.dimensions[1], x.dimensions[1]}, DType::f32}};
  return {{{x.dimensions[1], dy.dimensions[1]}, DType::f32}};
}

std::vector<ValueType> infer_column_sum(const std::any& /*any*/, const InferContext& context) {
  context.check_rank(0, "dy", 2);
  context.check_activation(0, "dy");
  return {{{context.in(0, "dy").dimensions[1]}, DType::f32}};
}

Work work(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const TensorView& y = call.outputs[0];
  const auto rows = static_cast<double>(y.shape[0]);
  const auto columns = static_cast<double>(y.shape[1]);
  Work counted{.products = product_work(rows, static_cast<double>(x.shape[1]), columns)};
  if (call.inputs[3].present) {
    counted.products += product_work(rows, static_cast<double>(call.inputs[3].shape[1]), columns);
  }
  const int additions = static_cast<int>(call.inputs[2].present) + static_cast<int>(call.inputs[5].present);
  const auto& activation = call.as<LinearArguments>().activation;
  const int operations = additions + (activation.has_value() ? activation_operations(*activation) : 0);
  counted.elements = operations * element_count(y);
  return counted;
}

Work weight_gradient_work(const KernelCall& call) {
  return {.products = product_work(static_cast<double>(call.inputs[0].shape[1]),
                                   static_cast<double>(call.inputs[0].shape[0]),
                                   static_cast<double>(call.inputs[1].shape[1]))};
}

}  // namespace

WeightLayout parse_weight_layout(const Attributes& attributes, std::string_view name) {
  const std::string layout = attributes.text(name, "out_in");
  if (layout == "out_in") return WeightLayout::out_in;
  if (layout == "in_out") return WeightLayout::in_out;
  attributes.fail(name, "'out_in' or 'in_out'");
}

const OpDefinition linear_op{.name = "linear",
                             .inputs = kInputs,
                             .outputs = kOutputs,
                             .parse = parse,
                             .infer = infer,
                             .gradient = gradient,
                             .reference = reference,
                             .work = work,
                             .row_inputs = kRowInputs};

const OpDefinition linear_weight_gradient_op{.name = "linear_weight_gradient",
                                             .inputs = kWeightGradientInputs,
                                             .outputs = kWeightGradientOutputs,
                                             .parse = parse_weight_gradient,
                                             .infer = infer_weight_gradient,
                                             .work = weight_gradient_work,
                                             .accumulates_from = 0};

const OpDefinition column_sum_op{.name = "column_sum",
                                 .inputs = kColumnSumInputs,
                                 .outputs = kColumnSumOutputs,
                                 .parse = parse_column_sum,
                                 .infer = infer_column_sum,
                                 .work = work_per_input<1>,
                                 .accumulates_from = 0};

}  // namespace attune
