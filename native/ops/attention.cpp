// attention: o = softmax(scale * q k^T, masked) v within each segment of the flat token list
//   q (T, heads * head_dim), k and v (T, kv_heads * head_dim), cu_seqlens (S + 1); o like q, lse (T, heads)
//   packing: q holds k and v too. kv_cu_seqlens (S + 1): k and v have rows of their own. bias_table (buckets,
//   heads): T5's, added to the scores. query_rows (R): the rows of the batch that q, o and lse have alone.
//   The backward pass needs q, k, v, o, lse.

#include "ops/attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/philox.h"
#include "kernels/relative_position.h"
#include "ops/attention_work.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 7> kInputs{
    "q", "k", "v", "cu_seqlens", "kv_cu_seqlens", "bias_table", "query_rows"};
constexpr std::array<std::string_view, 2> kOutputs{"o", "lse"};
constexpr std::array<std::string_view, 10> kBackwardInputs{
    "do", "q", "k", "v", "o", "lse", "cu_seqlens", "kv_cu_seqlens", "bias_table", "query_rows"};
constexpr std::array<std::string_view, 4> kBackwardOutputs{"dq", "dk", "dv", "dbias_table"};
constexpr std::array<std::size_t, 1> kRowInputs{0};

std::any parse(const Attributes& attributes) { return parse_attention(attributes); }

/// `first`: which input cu_seqlens is; `queries`: which q is.
void check_segments_bias_and_rows(const AttentionArguments& arguments, const InferContext& context,
                                  std::size_t first, std::size_t queries) {
  context.check_rank(first, "cu_seqlens", 1);
  context.check_dtype(first, "cu_seqlens", DType::i32);
  if (context.has(first + 1)) {
    context.check_dtype(first + 1, "kv_cu_seqlens", DType::i32);
    context.check_same_shape(first + 1, "kv_cu_seqlens", context.in(first, "cu_seqlens"));
  }
  check_bias_table(arguments, context, first + 2);
  const std::size_t rows = first + 3;
  if (!context.has(rows)) return;
  context.check_rank(rows, "query_rows", 1);
  context.check_dtype(rows, "query_rows", DType::i32);
  context.check_dimension(rows, "query_rows", 0, context.in(queries, "q").dimensions[0]);
  if (context.has(first + 1) || context.has(first + 2)) {
    context.fail("invalid-attribute", "expected no kv_cu_seqlens and no bias_table with query_rows.");
  }
}

/// Of the sequence that the keys are of; a bias is laid out by diagonals, which rows far apart have not.
bool can_pick_rows(const std::any& any, std::span<const ValueId> inputs) {
  const auto absent = [&](std::size_t input) { return input >= inputs.size() || inputs[input] == kNone; };
  return std::any_cast<const AttentionArguments&>(any).packing == Packing::none && absent(4) && absent(5);
}

std::vector<ValueType> infer(const std::any& any, const InferContext& context) {
  const auto& arguments = std::any_cast<const AttentionArguments&>(any);
  ValueType o = check_queries_keys_values(arguments, context, rows_of_keys(context.has(4), context.has(6)));
  check_segments_bias_and_rows(arguments, context, 3, 0);
  ValueType lse{{o.dimensions[0], {.fixed = arguments.heads}}, DType::f32};
  return {std::move(o), std::move(lse)};
}

void gradient(GradientContext& context) {
  auto arguments = std::any_cast<AttentionArguments>(context.arguments());
  constexpr std::size_t kBiasTable = 5;
  arguments.bias_gradient = context.wants(kBiasTable);
  std::vector<ValueId> gradients = context.add(
      "attention_backward", arguments,
      {context.output_gradient(0), context.input(0), context.input(1), context.input(2), context.output(0),
       context.output(1), context.input(3), context.input(4), context.input(kBiasTable), context.input(6)});
  if (arguments.bias_gradient) {
    context.give(kBiasTable, gradients.back());
    gradients.pop_back();
  }
  for (std::size_t input = 0; input < gradients.size(); ++input) {
    if (context.wants(input)) context.give(input, gradients[input]);
  }
}

/// With seed 0 and draw 0 for the dropout.
void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const AttentionArguments&>(any);
  const auto [q, k, v, k_offset, v_offset, head_step] = attention_reference_inputs(arguments, inputs);
  const std::vector<double>& segments = inputs[3].data;
  const std::vector<double>& key_segments = inputs[inputs[4].present ? 4 : 3].data;
  const ReferenceTensor& query_rows = inputs[6];
  const std::int64_t rows = q.shape[0];
  const std::int64_t head_dim = arguments.head_dim;
  const std::int64_t group = arguments.heads / arguments.kv_heads;
  ReferenceTensor o{.shape = {rows, arguments.heads * head_dim}, .data = {}, .present = true};
  ReferenceTensor lse{.shape = {rows, arguments.heads}, .data = {}, .present = true};
  o.data.resize(static_cast<std::size_t>(rows * arguments.heads * head_dim));
  lse.data.resize(static_cast<std::size_t>(rows * arguments.heads));
  for (std::int64_t t = 0; t < rows; ++t) {
    const double row = query_rows.present ? query_rows.data[t] : static_cast<double>(t);
    const auto s = std::upper_bound(segments.begin(), segments.end(), row) - segments.begin() - 1;
    const auto first_key = static_cast<std::int64_t>(key_segments[s]);
    const auto keys = static_cast<std::int64_t>(key_segments[s + 1]) - first_key;
    for (std::int64_t head = 0; head < arguments.heads; ++head) {
      const std::int64_t kv = head / group * head_step;
      lse.data[t * arguments.heads + head] =
          attend(arguments,
                 {.query = q.data.data() + t * q.shape[1] + head * head_step,
                  .head = head,
                  .position = static_cast<std::int64_t>(row - segments[s]),
                  .keys = k.data.data() + first_key * k.shape[1] + k_offset + kv,
                  .values = v.data.data() + first_key * v.shape[1] + v_offset + kv,
                  .stride = k.shape[1],
                  .count = keys,
                  .counter = static_cast<std::uint64_t>(t * arguments.heads + head) << 20},
                 inputs[5], o.data.data() + (t * arguments.heads + head) * head_dim);
    }
  }
  outputs = {std::move(o), std::move(lse)};
}

std::vector<ValueType> infer_backward(const std::any& any, const InferContext& context) {
  const auto& arguments = std::any_cast<const AttentionArguments&>(any);
  const InferContext forward{.where = context.where,
                             .activation_dtype = context.activation_dtype,
                             .inputs = context.inputs.subspan(1),
                             .size_names = context.size_names};
  const ValueType o =
      check_queries_keys_values(arguments, forward, rows_of_keys(context.has(7), context.has(9)));
  context.check_activation(0, "do");
  context.check_same_shape(0, "do", o);
  context.check_activation(4, "o");
  context.check_same_shape(4, "o", o);
  context.check_dtype(5, "lse", DType::f32);
  context.check_same_shape(5, "lse", {{o.dimensions[0], {.fixed = arguments.heads}}, DType::f32});
  check_segments_bias_and_rows(arguments, context, 6, 1);
  std::vector<ValueType> gradients{context.in(1, "q")};
  if (arguments.packing == Packing::none) {
    gradients.push_back(context.in(2, "k"));
    gradients.push_back(context.in(3, "v"));
  }
  if (arguments.bias_gradient) {
    gradients.push_back({context.in(8, "bias_table").dimensions, DType::f32});
  }
  return gradients;
}

}  // namespace

AttentionArguments parse_attention(const Attributes& attributes) {
  AttentionArguments arguments;
  arguments.heads = attributes.required_integer("heads");
  if (arguments.heads < 1) attributes.fail("heads", "at least 1");
  arguments.kv_heads = attributes.integer("kv_heads", arguments.heads);
  if (arguments.kv_heads < 1 || arguments.heads % arguments.kv_heads != 0) {
    attributes.fail("kv_heads", "a divisor of heads (" + std::to_string(arguments.heads) + ")");
  }
  arguments.head_dim = attributes.required_integer("head_dim");
  if (arguments.head_dim < 1) attributes.fail("head_dim", "at least 1");
  arguments.scale = attributes.number("scale", 1.0F / std::sqrt(static_cast<float>(arguments.head_dim)));
  arguments.causal = attributes.boolean("causal", true);
  arguments.window = attributes.integer("window", 0);
  if (arguments.window < 0) attributes.fail("window", "0 (none) or the number of tokens seen");
  arguments.softcap = attributes.number("softcap", 0.0F);
  if (arguments.softcap < 0.0F) attributes.fail("softcap", "0 (none) or positive");
  arguments.dropout = attributes.number("dropout", 0.0F);
  if (arguments.dropout < 0.0F || arguments.dropout >= 1.0F)
    attributes.fail("dropout", "at least 0 and below 1");
  const std::int64_t stream = attributes.integer("stream", 0);
  arguments.stream = static_cast<std::uint32_t>(stream);
  if (arguments.stream != stream) attributes.fail("stream", "a 32-bit unsigned integer");
  const std::string packing = attributes.text("packing", "");
  if (packing == "qkv") {
    arguments.packing = Packing::qkv;
  } else if (packing == "interleaved") {
    arguments.packing = Packing::interleaved;
    if (arguments.kv_heads != arguments.heads) attributes.fail("kv_heads", "heads: q, k and v alternate");
  } else if (!packing.empty()) {
    attributes.fail("packing", "qkv or interleaved, or absent");
  }
  arguments.bias_max_distance = attributes.integer("bias_max_distance", 128);
  // The bias is laid out by distance: a number above any context would only cost memory.
  constexpr std::int64_t kFarthest = std::int64_t{1} << 20;
  if (arguments.bias_max_distance < 2 || arguments.bias_max_distance > kFarthest) {
    attributes.fail("bias_max_distance", "between 2 and 2^20 tokens");
  }
  arguments.bias_bidirectional = attributes.boolean("bias_bidirectional", !arguments.causal);
  return arguments;
}

void check_bias_table(const AttentionArguments& arguments, const InferContext& context, std::size_t input) {
  if (!context.has(input)) return;
  context.check_rank(input, "bias_table", 2);
  context.check_weight(input, "bias_table");
  context.check_dimension(input, "bias_table", 1, {.fixed = arguments.heads});
  const Dimension& buckets = context.in(input, "bias_table").dimensions[0];
  const RelativeBuckets rule{buckets.fixed, arguments.bias_max_distance, arguments.bias_bidirectional};
  if (buckets.name >= 0 || rule.exact() < 1 || rule.exact() >= arguments.bias_max_distance) {
    context.fail("shape-mismatch", "expected bias_table to have at least " +
                                       std::string(arguments.bias_bidirectional ? "4 rows" : "2 rows") +
                                       ", not too many for bias_max_distance " +
                                       std::to_string(arguments.bias_max_distance) + ", but received " +
                                       context.text(context.in(input, "bias_table")) + ".");
  }
}

ValueType check_queries_keys_values(const AttentionArguments& arguments, const InferContext& context,
                                    KeyRows keys) {
  if (keys == KeyRows::of_another_sequence &&
      (arguments.causal || arguments.window > 0 || arguments.packing != Packing::none)) {
    context.fail("invalid-attribute",
                 "expected cross attention (kv_cu_seqlens) to have causal false, no window and no packing.");
  }
  if (keys == KeyRows::of_more_than_queries && arguments.packing != Packing::none) {
    context.fail("invalid-attribute", "expected no packing with query_rows: k and v have more rows than q.");
  }
  context.check_rank(0, "q", 2);
  context.check_activation(0, "q");
  const ValueType& q = context.in(0, "q");
  const ValueType o{{q.dimensions[0], {.fixed = arguments.heads * arguments.head_dim}},
                    context.activation_dtype};
  if (arguments.packing != Packing::none) {
    context.check_dimension(0, "q", 1,
                            {.fixed = (arguments.heads + 2 * arguments.kv_heads) * arguments.head_dim});
    if (context.has(1) || context.has(2)) {
      context.fail("shape-mismatch", "expected k and v to be absent: packed q holds them.");
    }
    return o;
  }
  context.check_same_shape(0, "q", o);
  context.check_rank(1, "k", 2);
  const Dimension& rows = (keys == KeyRows::of_queries ? q : context.in(1, "k")).dimensions[0];
  const ValueType k{{rows, {.fixed = arguments.kv_heads * arguments.head_dim}}, context.activation_dtype};
  context.check_activation(1, "k");
  context.check_same_shape(1, "k", k);
  context.check_activation(2, "v");
  context.check_same_shape(2, "v", k);
  return o;
}

AttentionReferenceInputs attention_reference_inputs(const AttentionArguments& arguments,
                                                    std::span<const ReferenceTensor> inputs) {
  const std::int64_t head_dim = arguments.head_dim;
  if (arguments.packing == Packing::none) {
    return {.q = inputs[0], .k = inputs[1], .v = inputs[2], .head_step = head_dim};
  }
  const bool apart = arguments.packing == Packing::qkv;
  return {.q = inputs[0],
          .k = inputs[0],
          .v = inputs[0],
          .k_offset = (apart ? arguments.heads : 1) * head_dim,
          .v_offset = (apart ? arguments.heads + arguments.kv_heads : 2) * head_dim,
          .head_step = apart ? head_dim : 3 * head_dim};
}

double attend(const AttentionArguments& arguments, const ReferenceQuery& asked,
              const ReferenceTensor& bias_table, double* out) {
  constexpr double kUnseen = -std::numeric_limits<double>::infinity();
  const auto [query, head, i, keys, values, stride, count, counter] = asked;
  const RelativeBuckets buckets{bias_table.present ? bias_table.shape[0] : 0, arguments.bias_max_distance,
                                arguments.bias_bidirectional};
  std::vector<double> scores(static_cast<std::size_t>(count), kUnseen);
  double maximum = kUnseen;
  for (std::int64_t j = 0; j < count; ++j) {
    if (arguments.causal && j > i) continue;
    if (arguments.window > 0 && (j <= i - arguments.window || j >= i + arguments.window)) continue;
    double product = 0.0;
    for (std::int64_t d = 0; d < arguments.head_dim; ++d) product += query[d] * keys[j * stride + d];
    product *= static_cast<double>(arguments.scale);
    const auto softcap = static_cast<double>(arguments.softcap);
    scores[j] = softcap > 0.0 ? softcap * std::tanh(product / softcap) : product;
    if (bias_table.present) scores[j] += bias_table.data[buckets.of(j - i) * arguments.heads + head];
    maximum = std::max(maximum, scores[j]);
  }
  for (std::int64_t d = 0; d < arguments.head_dim; ++d) out[d] = 0.0;
  if (maximum == kUnseen) return kUnseen;
  double sum = 0.0;
  for (const double score : scores) sum += std::exp(score - maximum);
  for (std::int64_t j = 0; j < count; ++j) {
    double probability = std::exp(scores[j] - maximum) / sum;
    if (arguments.dropout > 0.0F) {
      const std::uint32_t word =
          philox({.stream = arguments.stream}, counter + static_cast<std::uint64_t>(j / 4))[j % 4];
      const bool dropped = word < dropout_threshold(arguments.dropout);
      probability = dropped ? 0.0 : probability / (1.0 - static_cast<double>(arguments.dropout));
    }
    for (std::int64_t d = 0; d < arguments.head_dim; ++d) out[d] += probability * values[j * stride + d];
  }
  return maximum + std::log(sum);
}

const OpDefinition attention_op{.name = "attention",
                                .inputs = kInputs,
                                .outputs = kOutputs,
                                .parse = parse,
                                .infer = infer,
                                .gradient = gradient,
                                .reference = reference,
                                .work = attention_work,
                                .row_inputs = kRowInputs,
                                .row_numbers = 6,
                                .can_pick_rows = can_pick_rows};

const OpDefinition attention_backward_op{.name = "attention_backward",
                                         .inputs = kBackwardInputs,
                                         .outputs = kBackwardOutputs,
                                         .parse = parse,
                                         .infer = infer_backward,
                                         .work = attention_backward_work,
                                         .accumulates_from = 3};

}  // namespace attune
