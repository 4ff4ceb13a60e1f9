#include "ops/attention_work.h"

#include <algorithm>
#include <cstdint>

namespace attune {
namespace {

/// Lengths of segments: as cu_seqlens says where its values are known, else all alike.
class Lengths {
 public:
  Lengths(const TensorView& cu_seqlens, std::int64_t rows)
      : starts_(cu_seqlens.as<std::int32_t>()), count_(cu_seqlens.shape[0] - 1), rows_(rows) {}

  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] std::int64_t operator[](std::int64_t s) const {
    if (starts_ != nullptr) return starts_[s + 1] - starts_[s];
    return rows_ / count_ + (s < rows_ % count_ ? 1 : 0);
  }

 private:
  const std::int32_t* starts_;
  std::int64_t count_;
  std::int64_t rows_;
};

/// Keys that the queries at positions `first` .. `first + queries - 1` of `keys` keys see, together.
[[nodiscard]] double visible_pairs(const AttentionArguments& arguments, std::int64_t first,
                                   std::int64_t queries, std::int64_t keys) {
  if (arguments.window == 0) {
    const auto all = static_cast<double>(queries);
    return arguments.causal ? all * static_cast<double>(first) + all * (all + 1.0) / 2.0
                            : all * static_cast<double>(keys);
  }
  double pairs = 0.0;
  for (std::int64_t position = first; position < first + queries; ++position) {
    const std::int64_t lowest = std::max<std::int64_t>(0, position - arguments.window + 1);
    const std::int64_t beyond = arguments.causal ? position + 1 : std::min(keys, position + arguments.window);
    pairs += static_cast<double>(beyond - lowest);
  }
  return pairs;
}

/// Of the queries at these rows of the segments; spread evenly over them where their values are not known.
[[nodiscard]] double visible_pairs_of_rows(const AttentionArguments& arguments, const Lengths& lengths,
                                           const TensorView& query_rows, std::int64_t rows) {
  const auto* known = query_rows.as<std::int32_t>();
  const std::int64_t count = query_rows.shape[0];
  double pairs = 0.0;
  std::int64_t begin = 0;
  std::int64_t next = 0;
  for (std::int64_t s = 0; s < lengths.count(); ++s) {
    const std::int64_t length = lengths[s];
    if (known == nullptr) {
      pairs += visible_pairs(arguments, 0, length, length) * static_cast<double>(count) /
               static_cast<double>(std::max<std::int64_t>(rows, 1));
    }
    for (; known != nullptr && next < count && known[next] < begin + length; ++next)
      pairs += visible_pairs(arguments, known[next] - begin, 1, length);
    begin += length;
  }
  return pairs;
}

/// Of all segments and heads. `queries`: the tensor whose rows they are.
[[nodiscard]] double visible_pairs(const AttentionArguments& arguments, const KernelCall& call,
                                   std::size_t queries, std::size_t cu_seqlens) {
  const TensorView& key_starts =
      call.inputs[cu_seqlens + 1].present ? call.inputs[cu_seqlens + 1] : call.inputs[cu_seqlens];
  const TensorView& key_rows =
      call.inputs[queries + 1].present ? call.inputs[queries + 1] : call.inputs[queries];
  const Lengths key_lengths(key_starts, key_rows.shape[0]);
  const TensorView& query_rows = call.inputs[cu_seqlens + 3];
  if (query_rows.present) {
    return visible_pairs_of_rows(arguments, key_lengths, query_rows, key_rows.shape[0]) *
           static_cast<double>(arguments.heads);
  }
  const Lengths query_lengths(call.inputs[cu_seqlens], call.inputs[queries].shape[0]);
  double pairs = 0.0;
  for (std::int64_t s = 0; s < query_lengths.count(); ++s) {
    pairs += visible_pairs(arguments, 0, query_lengths[s], key_lengths[s]);
  }
  return pairs * static_cast<double>(arguments.heads);
}

/// `products`: how many products of head_dim each pair takes part in.
[[nodiscard]] Work work_of_pairs(const AttentionArguments& arguments, double pairs, int products,
                                 int operations) {
  return {.attention = products * 2.0 * static_cast<double>(arguments.head_dim) * pairs,
          .elements = operations * pairs};
}

}  // namespace

/// Scores and the weighted sum of values; of each score scaled, less the maximum, its exponential, the sum.
Work attention_work(const KernelCall& call) {
  const auto& arguments = call.as<AttentionArguments>();
  return work_of_pairs(arguments, visible_pairs(arguments, call, 0, 3), 2, 4);
}

/// The scores again, and the gradients of probabilities, queries, keys and values.
Work attention_backward_work(const KernelCall& call) {
  const auto& arguments = call.as<AttentionArguments>();
  return work_of_pairs(arguments, visible_pairs(arguments, call, 1, 6), 5, 6);
}

Work cached_attention_work(const KernelCall& call) {
  const auto& arguments = call.as<AttentionArguments>();
  const bool cross = call.inputs[8].present;
  const Lengths queries(call.inputs[5], call.inputs[0].shape[0]);
  const Lengths added(call.inputs[cross ? 8 : 5], call.inputs[cross ? 1 : 0].shape[0]);
  const auto* held = call.inputs[7].as<std::int32_t>();
  double pairs = 0.0;
  for (std::int64_t s = 0; s < queries.count(); ++s) {
    const std::int64_t before = held == nullptr ? 0 : held[s];
    pairs += visible_pairs(arguments, cross ? 0 : before, queries[s], before + added[s]);
  }
  return work_of_pairs(arguments, pairs * static_cast<double>(arguments.heads), 2, 4);
}

}  // namespace attune
