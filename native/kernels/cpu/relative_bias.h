#pragma once

// T5's relative position bias in the attention kernels: one number per head and distance j - i, added to the
// scores. In a pair of tiles the distance is constant along diagonals, so 2 kTile - 1 numbers serve it.

#include "kernels/cpu/attention_tiles.h"
#include "kernels/relative_position.h"

namespace attune::cpu::ATTUNE_ISA {

/// The bias of all heads, by distance. Distances beyond `reach` share its buckets.
struct RelativeBias {
  const TensorView* table = nullptr;  ///< (buckets, heads); nullptr: no bias
  std::int64_t heads = 0;
  std::int64_t reach = 0;
  float* values = nullptr;          ///< (heads, 2 reach + 1)
  std::int32_t* buckets = nullptr;  ///< (2 reach + 1)

  RelativeBias() = default;
  /// `longest`: rows that a query and a key can be apart.
  RelativeBias(Carver& carver, const AttentionArguments& a, std::span<const TensorView> inputs,
               std::size_t input, std::int64_t longest) {
    if (!has(inputs, input)) return;
    table = &inputs[input];
    heads = a.heads;
    reach = minimum(a.bias_max_distance, longest);
    values = carver.take<float>(heads * width());
    buckets = carver.take<std::int32_t>(width());
  }

  [[nodiscard]] bool on() const { return table != nullptr; }
  [[nodiscard]] std::int64_t width() const { return 2 * reach + 1; }
  [[nodiscard]] std::int64_t place(std::int64_t distance) const {
    return reach + maximum(-reach, minimum(reach, distance));
  }
  [[nodiscard]] const float* of_head(std::int64_t head) const { return values + head * width(); }

  void fill(const AttentionArguments& a) const {
    if (!on()) return;
    if (table->dtype == DType::bf16) {
      fill_from(a, table->as<const bfloat16>());
    } else {
      fill_from(a, table->as<const float>());
    }
  }

 private:
  template <class T>
  void fill_from(const AttentionArguments& a, const T* from) const {
    const RelativeBuckets rule{table->shape[0], a.bias_max_distance, a.bias_bidirectional};
    for (std::int64_t at = 0; at < width(); ++at) {
      const std::int64_t bucket = rule.of(at - reach);
      buckets[at] = static_cast<std::int32_t>(bucket);
      for (std::int64_t head = 0; head < heads; ++head) {
        values[head * width() + at] = widen_value(from[bucket * heads + head]);
      }
    }
  }
};

/// The diagonals of one pair of tiles: entry kTile - 1 + i - j is query i's and key j's.
struct BiasDiagonals {
  std::int64_t key_ahead;  ///< position of the first key less that of the first query

  static constexpr std::int64_t kCount = 2 * kTile - 1;
  static constexpr std::int64_t entry(std::int64_t i, std::int64_t j) { return kTile - 1 + i - j; }
  [[nodiscard]] std::int64_t distance(std::int64_t at) const { return key_ahead + kTile - 1 - at; }

  void take(const RelativeBias& bias, std::int64_t head, float* diagonals) const {
    const float* const values = bias.of_head(head);
    for (std::int64_t at = 0; at < kCount; ++at) diagonals[at] = values[bias.place(distance(at))];
  }
  /// Sums of diagonals into their buckets.
  void add_to_buckets(const RelativeBias& bias, const float* diagonals, float* sums) const {
    for (std::int64_t at = 0; at < kCount; ++at) {
      sums[bias.buckets[bias.place(distance(at))]] += diagonals[at];
    }
  }
};

}  // namespace attune::cpu::ATTUNE_ISA
