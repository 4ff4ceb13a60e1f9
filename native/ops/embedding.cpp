// embedding: y[t] = table[ids[t]], or the row of token_rows that stands in its place.
//   table (V, C), or (C, V) when transposed; ids (T); token_rows (K, C); y (T, C)

#include "kernels/embedding.h"

#include <array>
#include <utility>

#include "ops/table.h"
#include "ops/token_rows.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 3> kInputs{"table", "ids", "token_rows"};
constexpr std::array<std::string_view, 1> kOutputs{"y"};
constexpr std::array<std::string_view, 2> kBackwardInputs{"dy", "ids"};
constexpr std::array<std::string_view, 1> kBackwardOutputs{"dtable"};

std::any parse(const Attributes& attributes) {
  EmbeddingArguments arguments;
  arguments.vocabulary = attributes.required_integer("vocabulary");
  if (arguments.vocabulary < 1) attributes.fail("vocabulary", "at least 1");
  arguments.padding_index = attributes.integer("padding_index", -1);
  if (arguments.padding_index < -1 || arguments.padding_index >= arguments.vocabulary) {
    attributes.fail("padding_index",
                    "-1 or a row of the table, below " + std::to_string(arguments.vocabulary) + ",");
  }
  arguments.transposed = attributes.boolean("transposed", false);
  arguments.tokens = parse_token_rows(attributes);
  if (arguments.transposed && !arguments.tokens.ids.empty()) {
    attributes.fail("transposed", "false where there are token_ids");
  }
  return arguments;
}

std::vector<ValueType> infer(const std::any& any, const InferContext& context) {
  const auto& arguments = std::any_cast<const EmbeddingArguments&>(any);
  context.check_rank(0, "table", 2);
  if (arguments.transposed) {
    context.check_weight(0, "table");
  } else {
    context.check_quantizable(0, "table");
  }
  context.check_dimension(0, "table", arguments.transposed ? 1 : 0, {.fixed = arguments.vocabulary});
  context.check_rank(1, "ids", 1);
  context.check_dtype(1, "ids", DType::i32);
  const Dimension& columns = context.in(0, "table").dimensions[arguments.transposed ? 0 : 1];
  check_token_rows(context, 2, arguments.tokens, {.fixed = arguments.vocabulary}, columns);
  return {{{context.in(1, "ids").dimensions[0], columns}, context.activation_dtype}};
}

void gradient(GradientContext& context) {
  auto arguments = std::any_cast<EmbeddingArguments>(context.arguments());
  for (const std::size_t table : {0, 2}) {
    if (!context.wants(table)) continue;
    arguments.token_gradient = table == 2;
    context.give(table, context.add("embedding_backward", arguments,
                                    {context.output_gradient(0), context.input(1)})[0]);
  }
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const EmbeddingArguments&>(any);
  const ReferenceTensor table =
      arguments.tokens.ids.empty() ? inputs[0] : with_token_rows(inputs[0], inputs[2], arguments.tokens);
  const ReferenceTensor& ids = inputs[1];
  const std::int64_t rows = ids.shape[0];
  const std::int64_t columns = table.shape[arguments.transposed ? 0 : 1];
  ReferenceTensor y{.shape = {rows, columns}, .data = {}, .present = true};
  for (std::int64_t t = 0; t < rows; ++t) {
    const auto id = static_cast<std::int64_t>(ids.data[t]);
    for (std::int64_t c = 0; c < columns; ++c) {
      y.data.push_back(arguments.transposed ? table.data[c * arguments.vocabulary + id]
                                            : table.data[id * columns + c]);
    }
  }
  outputs = {std::move(y)};
}

std::vector<ValueType> infer_backward(const std::any& any, const InferContext& context) {
  const auto& arguments = std::any_cast<const EmbeddingArguments&>(any);
  context.check_rank(0, "dy", 2);
  context.check_activation(0, "dy");
  context.check_rank(1, "ids", 1);
  context.check_dtype(1, "ids", DType::i32);
  const ValueType& dy = context.in(0, "dy");
  context.check_dimension(1, "ids", 0, dy.dimensions[0]);
  std::vector<Dimension> table{
      arguments.token_gradient ? token_count(arguments.tokens) : Dimension{.fixed = arguments.vocabulary},
      dy.dimensions[1]};
  if (arguments.transposed) std::swap(table[0], table[1]);
  return {{std::move(table), DType::f32}};
}

}  // namespace

const OpDefinition embedding_op{.name = "embedding",
                                .inputs = kInputs,
                                .outputs = kOutputs,
                                .parse = parse,
                                .infer = infer,
                                .gradient = gradient,
                                .reference = reference,
                                .work = work_per_output<0>};

const OpDefinition embedding_backward_op{.name = "embedding_backward",
                                         .inputs = kBackwardInputs,
                                         .outputs = kBackwardOutputs,
                                         .parse = parse,
                                         .infer = infer_backward,
                                         .work = work_per_input<1>,
                                         .accumulates_from = 0};

}  // namespace attune
