#pragma once

#include "kernels/attention.h"
#include "ops/op.h"

namespace attune {

[[nodiscard]] AttentionArguments parse_attention(const Attributes& attributes);

/// Checks inputs 0, 1, 2 (q, k, v or the packed one) and returns the type of o.
[[nodiscard]] ValueType check_queries_keys_values(const AttentionArguments& arguments,
                                                  const InferContext& context);

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

/// One query (head_dim) at place i of its sequence over `count` keys and values, which lie `stride` apart, in
/// float64. Writes out (head_dim) and returns the log of the sum of exponentials. `counter`: of the dropout,
/// for key 0.
double attend(const AttentionArguments& arguments, const double* query, const double* keys,
              const double* values, std::int64_t stride, std::int64_t count, std::int64_t i,
              std::uint64_t counter, double* out);

}  // namespace attune
