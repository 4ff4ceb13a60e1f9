#pragma once

#include <cstdint>

#include "kernels/attention.h"
#include "ops/op.h"

namespace attune {

[[nodiscard]] AttentionArguments parse_attention(const Attributes& attributes);

/// Which rows k and v have: q's, all of which q has some (query_rows), or others (cross attention).
enum class KeyRows : std::uint8_t { of_queries, of_more_than_queries, of_another_sequence };
[[nodiscard]] constexpr KeyRows rows_of_keys(bool cross, bool query_rows) {
  if (cross) return KeyRows::of_another_sequence;
  return query_rows ? KeyRows::of_more_than_queries : KeyRows::of_queries;
}

/// Checks inputs 0, 1, 2 (q, k, v or the packed one) and returns the type of o.
[[nodiscard]] ValueType check_queries_keys_values(const AttentionArguments& arguments,
                                                  const InferContext& context, KeyRows keys);
/// Checks an optional bias_table (buckets, heads).
void check_bias_table(const AttentionArguments& arguments, const InferContext& context, std::size_t input);

/// Where one token's query, key and value lie in the reference's tensors, packed or not.
struct AttentionReferenceInputs {
  const ReferenceTensor& q;
  const ReferenceTensor& k;
  const ReferenceTensor& v;
  std::int64_t k_offset = 0;  ///< columns before the first key
  std::int64_t v_offset = 0;
  std::int64_t head_step = 0;  ///< columns between heads
};
[[nodiscard]] AttentionReferenceInputs attention_reference_inputs(const AttentionArguments& arguments,
                                                                  std::span<const ReferenceTensor> inputs);

/// One query of one head, and the keys and values that it may see.
struct ReferenceQuery {
  const double* query;  ///< (head_dim)
  std::int64_t head;
  std::int64_t position;  ///< among the keys
  const double* keys;
  const double* values;
  std::int64_t stride;  ///< between keys, and between values
  std::int64_t count;
  std::uint64_t counter = 0;  ///< of the dropout, for key 0
};

/// In float64. Writes out (head_dim) and returns the log of the sum of exponentials. `bias_table` may be
/// absent.
double attend(const AttentionArguments& arguments, const ReferenceQuery& asked,
              const ReferenceTensor& bias_table, double* out);

}  // namespace attune
