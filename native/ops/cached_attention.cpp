// cached_attention: the decoding form of attention. Writes the new keys and values into the caches, then
// attends.
//   q, k, v, packed as in attention; k_cache and v_cache (slots, capacity, kv_heads * head_dim), cu_seqlens
//   (S + 1), slots (S), lengths (S): rows already in each slot. o (T, heads * head_dim). Causal; with
//   kv_cu_seqlens (S + 1) k and v have rows of their own and a query sees all of the slot. No gradient.

#include <array>

#include "ops/attention.h"
#include "ops/attention_work.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 10> kInputs{
    "q", "k", "v", "k_cache", "v_cache", "cu_seqlens", "slots", "lengths", "kv_cu_seqlens", "bias_table"};
constexpr std::array<std::string_view, 1> kOutputs{"o"};

std::any parse(const Attributes& attributes) {
  const AttentionArguments arguments = parse_attention(attributes);
  if (arguments.dropout > 0.0F) attributes.fail("dropout", "0: decoding drops nothing");
  return arguments;
}

std::vector<ValueType> infer(const std::any& any, const InferContext& context) {
  const auto& arguments = std::any_cast<const AttentionArguments&>(any);
  const bool cross = context.has(8);
  ValueType o = check_queries_keys_values(arguments, context, rows_of_keys(cross, false));
  if (!cross && !arguments.causal) {
    context.fail("invalid-attribute", "expected causal true: a cache holds what came before.");
  }
  if (cross && context.has(9)) {
    context.fail("invalid-attribute",
                 "expected no bias_table with kv_cu_seqlens: a query's place among the "
                 "keys of another sequence is not kept.");
  }
  context.check_rank(3, "k_cache", 3);
  context.check_activation(3, "k_cache");
  context.check_dimension(3, "k_cache", 2, {.fixed = arguments.kv_heads * arguments.head_dim});
  context.check_activation(4, "v_cache");
  context.check_same_shape(4, "v_cache", context.in(3, "k_cache"));
  for (const std::size_t input : {std::size_t{5}, std::size_t{6}, std::size_t{7}}) {
    context.check_rank(input, kInputs[input], 1);
    context.check_dtype(input, kInputs[input], DType::i32);
  }
  context.check_same_shape(7, "lengths", context.in(6, "slots"));
  if (cross) {
    context.check_dtype(8, "kv_cu_seqlens", DType::i32);
    context.check_same_shape(8, "kv_cu_seqlens", context.in(5, "cu_seqlens"));
  }
  check_bias_table(arguments, context, 9);
  return {std::move(o)};
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const AttentionArguments&>(any);
  const auto [q, k, v, k_offset, v_offset, head_step] = attention_reference_inputs(arguments, inputs);
  std::vector<double> k_cache = inputs[3].data;
  std::vector<double> v_cache = inputs[4].data;
  const std::int64_t slot_size = inputs[3].shape.columns();
  const std::int64_t columns = arguments.kv_heads * arguments.head_dim;
  const std::int64_t group = arguments.heads / arguments.kv_heads;
  const bool cross = inputs[8].present;
  ReferenceTensor o{.shape = {q.shape[0], arguments.heads * arguments.head_dim}, .data = {}, .present = true};
  o.data.resize(static_cast<std::size_t>(o.shape.elements()));
  for (std::int64_t s = 0; s < inputs[6].shape[0]; ++s) {
    const auto begin = static_cast<std::int64_t>(inputs[5].data[s]);
    const auto end = static_cast<std::int64_t>(inputs[5].data[s + 1]);
    const auto length = static_cast<std::int64_t>(inputs[7].data[s]);
    const std::int64_t slot = static_cast<std::int64_t>(inputs[6].data[s]) * slot_size;
    const std::vector<double>& added = inputs[cross ? 8 : 5].data;
    const auto first_new = static_cast<std::int64_t>(added[s]);
    const auto end_new = static_cast<std::int64_t>(added[s + 1]);
    for (std::int64_t t = first_new; t < end_new; ++t) {
      for (std::int64_t c = 0; c < columns; ++c) {
        const std::int64_t place = slot + (length + t - first_new) * columns + c;
        const std::int64_t column = c / arguments.head_dim * head_step + c % arguments.head_dim;
        k_cache[place] = k.data[t * k.shape[1] + k_offset + column];
        v_cache[place] = v.data[t * v.shape[1] + v_offset + column];
      }
    }
    for (std::int64_t t = begin; t < end; ++t) {
      for (std::int64_t head = 0; head < arguments.heads; ++head) {
        const std::int64_t first = slot + head / group * arguments.head_dim;
        attend(arguments,
               {.query = q.data.data() + t * q.shape[1] + head * head_step,
                .head = head,
                .position = cross ? t - begin : length + t - begin,
                .keys = k_cache.data() + first,
                .values = v_cache.data() + first,
                .stride = columns,
                .count = length + end_new - first_new},
               inputs[9], o.data.data() + (t * arguments.heads + head) * arguments.head_dim);
      }
    }
  }
  outputs = {std::move(o)};
}

}  // namespace

const OpDefinition cached_attention_op{.name = "cached_attention",
                                       .inputs = kInputs,
                                       .outputs = kOutputs,
                                       .parse = parse,
                                       .infer = infer,
                                       .reference = reference,
                                       .work = cached_attention_work};

}  // namespace attune
