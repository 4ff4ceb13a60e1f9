// replace_columns: y with the columns of some tokens taken from z, plus bias.   y (T, V), z (T, K), bias (V)
// replace_columns_backward: its gradient for y, zero in those columns, and for z.

#include "kernels/replace_columns.h"

#include <array>

#include "kernels/linear.h"
#include "ops/table.h"
#include "ops/token_rows.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 3> kInputs{"y", "z", "bias"};
constexpr std::array<std::string_view, 1> kOutputs{"out"};
constexpr std::array<std::string_view, 1> kBackwardInputs{"d"};
constexpr std::array<std::string_view, 2> kBackwardOutputs{"dy", "dz"};

std::any parse(const Attributes& attributes) {
  ReplaceColumnsArguments arguments{.tokens = parse_token_rows(attributes)};
  if (arguments.tokens.ids.empty()) attributes.fail("token_ids", "a list of at least one integer");
  return arguments;
}

void check_columns(const InferContext& context, const TokenRows& tokens, const ValueType& y) {
  const Dimension& columns = y.dimensions[1];
  if (tokens.ids.back() < columns.fixed) return;
  context.fail("invalid-attribute", "expected token_ids below the columns of " + context.text(y) +
                                        " but received " + std::to_string(tokens.ids.back()) + ".");
}

std::vector<ValueType> infer(const std::any& any, const InferContext& context) {
  const auto& arguments = std::any_cast<const ReplaceColumnsArguments&>(any);
  context.check_rank(0, "y", 2);
  context.check_activation(0, "y");
  const ValueType& y = context.in(0, "y");
  check_columns(context, arguments.tokens, y);
  context.check_activation(1, "z");
  context.check_same_shape(1, "z",
                           {{y.dimensions[0], token_count(arguments.tokens)}, context.activation_dtype});
  if (context.has(2)) {
    context.check_rank(2, "bias", 1);
    context.check_weight(2, "bias");
    context.check_dimension(2, "bias", 0, y.dimensions[1]);
  }
  return {y};
}

void gradient(GradientContext& context) {
  const ValueId d = context.output_gradient(0);
  if (context.wants(2)) context.give(2, context.add("column_sum", ColumnSumArguments{}, {d})[0]);
  if (!context.wants(0) && !context.wants(1)) return;
  const std::vector<ValueId> back = context.add("replace_columns_backward", context.arguments(), {d});
  if (context.wants(0)) context.give(0, back[0]);
  if (context.wants(1)) context.give(1, back[1]);
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const ReplaceColumnsArguments&>(any);
  const std::int64_t rows = inputs[0].shape[0];
  const std::int64_t columns = inputs[0].shape[1];
  const std::int64_t replaced = inputs[1].shape[1];
  ReferenceTensor out = inputs[0];
  for (std::int64_t t = 0; t < rows; ++t) {
    for (std::size_t i = 0; i < arguments.tokens.ids.size(); ++i) {
      out.data[t * columns + arguments.tokens.ids[i]] =
          inputs[1].data[t * replaced + arguments.tokens.rows[i]];
    }
    if (inputs.size() < 3 || !inputs[2].present) continue;
    for (std::int64_t v = 0; v < columns; ++v) out.data[t * columns + v] += inputs[2].data[v];
  }
  outputs = {std::move(out)};
}

std::vector<ValueType> infer_backward(const std::any& any, const InferContext& context) {
  const auto& arguments = std::any_cast<const ReplaceColumnsArguments&>(any);
  context.check_rank(0, "d", 2);
  context.check_activation(0, "d");
  const ValueType& d = context.in(0, "d");
  check_columns(context, arguments.tokens, d);
  return {d, {{d.dimensions[0], token_count(arguments.tokens)}, context.activation_dtype}};
}

Work work(const KernelCall& call) {
  return {.elements = call.inputs[2].present ? element_count(call.outputs[0]) : 0.0};
}

}  // namespace

const OpDefinition replace_columns_op{.name = "replace_columns",
                                      .inputs = kInputs,
                                      .outputs = kOutputs,
                                      .parse = parse,
                                      .infer = infer,
                                      .gradient = gradient,
                                      .reference = reference,
                                      .work = work};

const OpDefinition replace_columns_backward_op{.name = "replace_columns_backward",
                                               .inputs = kBackwardInputs,
                                               .outputs = kBackwardOutputs,
                                               .parse = parse,
                                               .infer = infer_backward,
                                               .work = work_per_output<0>};

}  // namespace attune
