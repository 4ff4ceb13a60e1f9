#pragma once

#include <cstdint>

namespace attune {

/// How T5 (Raffel et al. 2020) puts the distance between a query and a key into buckets: small distances have
/// their own, larger ones share them by their logarithm, and from max_distance on all are in the last one.
struct RelativeBuckets {
  std::int64_t buckets = 0;
  std::int64_t max_distance = 0;
  bool bidirectional =
      false;  ///< half of the buckets are for keys behind the query; else those share bucket 0

  /// Buckets of one direction, and how many distances have their own.
  [[nodiscard]] std::int64_t one_way() const { return bidirectional ? buckets / 2 : buckets; }
  [[nodiscard]] std::int64_t exact() const { return one_way() / 2; }
  /// Bucket of the key `distance` tokens after the query, in Hugging Face's float32 steps.
  [[nodiscard]] std::int64_t of(std::int64_t distance) const;
};

}  // namespace attune
