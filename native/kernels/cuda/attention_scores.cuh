#pragma once

// Which keys a query sees, and what a score is.

#include "kernels/cuda/attention.h"
#include "kernels/cuda/philox.cuh"
#include "kernels/cuda/segments.cuh"
#include "kernels/cuda/tensor_core.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {

inline constexpr float kLog2e = 1.44269504088896341F;
inline constexpr float kLn2 = 0.693147180559945309F;
inline constexpr float kInfinity = __builtin_inff();

struct Range {
  int from;
  int to;
  [[nodiscard]] __device__ bool has(int at) const { return at >= from && at < to; }
};

/// Past every position: that of a query that there is not.
inline constexpr int kNowhere = 0x7fffffff;

/// A segment's queries and keys. Positions count from the first key.
struct Segment {
  std::int64_t query_row;  ///< of the first query
  std::int64_t key_row;
  int position;  ///< of the first query, where they follow one another
  int queries;
  int keys;
  const std::int32_t* rows;  ///< of its queries in the batch, or null: they follow one another

  [[nodiscard]] __device__ int position_of(int query) const {
    if (rows == nullptr) return position + query;
    return query < queries ? static_cast<int>(rows[query] - key_row) : kNowhere;
  }
  /// Past those of the queries that there are.
  [[nodiscard]] __device__ int end_of_positions() const {
    return rows == nullptr ? position + queries : kNowhere;
  }
  /// The queries at these positions.
  [[nodiscard]] __device__ Range queries_at(const Range& positions) const {
    if (rows == nullptr) return {positions.from - position, positions.to - position};
    const auto first = [&](int at) {
      return first_not_below(queries, key_row + at, [&](int query) { return rows[query]; });
    };
    return {first(positions.from), first(positions.to)};
  }
};

__device__ inline Segment segment_at(const Segments& all, int s) {
  const int first_query = all.queries[s];
  const int first_key = all.keys[s];
  Segment segment{first_query,
                  first_key,
                  0,
                  all.queries[s + 1] - first_query,
                  all.keys[s + 1] - first_key,
                  all.query_rows == nullptr ? nullptr : all.query_rows + first_query};
  if (all.slots != nullptr) {
    segment.key_row = all.slots[s] * all.capacity;
    segment.keys += all.lengths[s];
    if (all.queries_follow) segment.position = all.lengths[s];
  }
  return segment;
}

/// One of the tiles that a list of segments is cut into.
struct SegmentTile {
  int segment = -1;  ///< below 0: there is no such tile
  int first = 0;     ///< the tile's first row in the segment
};

/// Tile `number` of segments whose rows, each `times` long, are cut into tiles of `rows`. Numbers are below
/// starts[count] times / rows + count, and some of them stand for no tile: segment s begins with number
/// starts[s] times / rows + s.
__device__ inline SegmentTile tile_of(const std::int32_t* starts, int count, int times, int rows,
                                      int number) {
  if (count == 0) return {};
  const auto begin = [&](int s) { return static_cast<std::int64_t>(starts[s]) * times / rows + s; };
  const int s = last_not_above(count, number, begin);
  const std::int64_t first = (number - begin(s)) * rows;
  if (first >= static_cast<std::int64_t>(starts[s + 1] - starts[s]) * times) return {};
  return {s, static_cast<int>(first)};
}

/// Which keys a query sees. Queries go by their positions; ends are past the queries and keys that there are.
struct Sight {
  int queries_end;
  int keys_end;
  int window;
  bool causal;

  __device__ Sight(const ScoreRule& rule, const Segment& segment)
      : queries_end(segment.end_of_positions()),
        keys_end(segment.keys),
        window(rule.window),
        causal(rule.causal) {}

  /// Whether all of these queries see all of these keys.
  [[nodiscard]] __device__ bool all_see(int query, int last_query, int key, int keys) const {
    const int last_key = key + keys - 1;
    if (last_query >= queries_end || last_key >= keys_end) return false;
    if (causal && last_key > query) return false;
    return window == 0 || (key > last_query - window && (causal || last_key < query + window));
  }
  /// All keys that some of these queries see, and all queries that see some of these keys.
  [[nodiscard]] __device__ Range keys_of(int query, int last_query) const {
    const int from = window > 0 ? max(0, query - window + 1) : 0;
    if (causal) return {from, min(keys_end, last_query + 1)};
    return {from, window > 0 ? min(keys_end, last_query + window) : keys_end};
  }
  [[nodiscard]] __device__ Range queries_of(int key, int last_key) const {
    const int to = window > 0 ? min(queries_end, last_key + window) : queries_end;
    return {causal ? key : window > 0 ? max(0, key - window + 1) : 0, to};
  }
  /// Nothing for a query or a key that there is not.
  [[nodiscard]] __device__ Range keys_of(int query) const {
    return query < queries_end ? keys_of(query, query) : Range{0, 0};
  }
  [[nodiscard]] __device__ Range queries_of(int key) const {
    return key < keys_end ? queries_of(key, key) : Range{0, 0};
  }
};

/// Whether a score is the scaled product and nothing else.
__device__ inline bool is_plain(const ScoreRule& rule) {
  return rule.softcap == 0.0F && rule.bias == nullptr && !rule.dropout;
}

struct Score {
  float value;  ///< times log2(e): probabilities are powers of two
  float slope;  ///< of the cap
};

/// A head's bias by distance, from the middle; null where there is none.
__device__ inline const float* bias_of(const ScoreRule& rule, int head) {
  if (rule.bias == nullptr) return nullptr;
  return rule.bias + static_cast<std::int64_t>(head) * (2 * rule.bias_reach + 1) + rule.bias_reach;
}

/// Its error is that of a number near 1 in float32, also where the result is small: a score is rounded as one
/// near the cap is.
__device__ inline float tanh_fast(float value) {
  const float power = exp2_fast(-2.0F * kLog2e * fabsf(value));
  return copysignf(__fdividef(1.0F - power, 1.0F + power), value);
}

/// `product`: q . k. `bias`: of the head. `distance`: key less query.
__device__ inline Score score_of(const ScoreRule& rule, float product, const float* bias, int distance) {
  float value = rule.scale * product;
  float slope = 1.0F;
  if (rule.softcap > 0.0F) {
    const float t = tanh_fast(value / rule.softcap);
    value = rule.softcap * t;
    slope = 1.0F - t * t;
  }
  if (bias != nullptr) value += bias[max(-rule.bias_reach, min(rule.bias_reach, distance))];
  return {value * kLog2e, slope};
}

/// What dropout multiplies the probability with this word by.
__device__ inline float kept(const ScoreRule& rule, std::uint32_t word) {
  return word < rule.drop_below ? 0.0F : rule.keep_scale;
}

__device__ inline PhiloxWords dropout_words(const ScoreRule& rule, std::int64_t row, int heads, int head,
                                            int key) {
  return philox(*rule.random, rule.stream, (static_cast<std::uint64_t>(row * heads + head) << 20U) + key / 4);
}

/// Dropout of a lane's four elements of 8 columns that are keys; `row` is that of the first query in the
/// batch, `key` the first column. Two lanes share the words of two rows: each makes those of one.
__device__ inline void dropout_of_keys(const ScoreRule& rule, std::int64_t row, int heads, int head, int key,
                                       float (&factor)[4]) {
  const int odd = lane_id() % 2;
  const auto [word] =
      dropout_words(rule, row + lane_id() / 4 + odd * 8, heads, head, key + lane_id() % 4 / 2 * 4);
  const std::uint32_t other0 = __shfl_xor_sync(0xffffffffU, odd != 0 ? word[0] : word[2], 1);
  const std::uint32_t other1 = __shfl_xor_sync(0xffffffffU, odd != 0 ? word[1] : word[3], 1);
  factor[0] = kept(rule, odd != 0 ? other0 : word[0]);
  factor[1] = kept(rule, odd != 0 ? other1 : word[1]);
  factor[2] = kept(rule, odd != 0 ? word[2] : other0);
  factor[3] = kept(rule, odd != 0 ? word[3] : other1);
}

/// The same where rows are keys, the first of the warp's being `key`, and columns are queries, the first
/// being the batch's `row`. Four lanes share the words of their four elements: each makes those of one, and
/// the 4 x 4 words change places.
__device__ inline void dropout_of_queries(const ScoreRule& rule, std::int64_t row, int heads, int head,
                                          int key, float (&factor)[4]) {
  const int low = lane_id() / 4 % 2;
  const int high = lane_id() / 8 % 2;
  const auto [word] =
      dropout_words(rule, row + lane_id() % 4 * 2 + low, heads, head, key + lane_id() / 16 * 4 + high * 8);
  std::uint32_t half[4];
#pragma unroll
  for (int i = 0; i < 4; i += 2) {
    const std::uint32_t other = __shfl_xor_sync(0xffffffffU, low != 0 ? word[i] : word[i + 1], 4);
    half[i] = low != 0 ? other : word[i];
    half[i + 1] = low != 0 ? word[i + 1] : other;
  }
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const std::uint32_t other = __shfl_xor_sync(0xffffffffU, high != 0 ? half[i] : half[i + 2], 8);
    factor[i] = kept(rule, high != 0 ? other : half[i]);
    factor[i + 2] = kept(rule, high != 0 ? half[i + 2] : other);
  }
}

}  // namespace attune::cuda
