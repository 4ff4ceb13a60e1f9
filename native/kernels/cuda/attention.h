#pragma once

#include <cstdint>

#include "core/philox.h"

namespace attune::cuda {

/// Heads in rows: element c of head h of row r is data[r * stride + h * step + c].
template <class Data>
struct HeadRows {
  Data* data = nullptr;
  std::int64_t stride = 0;
  std::int64_t step = 0;
};

/// Where queries and keys of a segment are. In a cache, the keys of sequence s are the first lengths[s] rows,
/// and the new ones, of slot slots[s], and its queries come after the lengths[s].
struct Segments {
  const std::int32_t* queries = nullptr;     ///< cu_seqlens, or what of query_rows is in them
  const std::int32_t* keys = nullptr;        ///< kv_cu_seqlens, or cu_seqlens
  const std::int32_t* query_rows = nullptr;  ///< the batch's row of each of q's, or null: the same
  const std::int32_t* slots = nullptr;       ///< or null: no cache
  const std::int32_t* lengths = nullptr;
  std::int64_t capacity = 0;  ///< rows of a slot
  int count = 0;
  bool queries_follow = false;  ///< in a cache: the first query is at position lengths[s], not 0
};

/// How scores become probabilities: see kernels/attention.h.
struct ScoreRule {
  float scale = 1.0F;
  float softcap = 0.0F;
  const float* bias = nullptr;  ///< (heads, 2 bias_reach + 1) by distance, or null
  int bias_reach = 0;           ///< distances beyond have its bias
  int window = 0;
  bool causal = false;
  bool dropout = false;
  std::uint32_t drop_below = 0;
  float keep_scale = 1.0F;
  const PhiloxKey* random = nullptr;
  std::uint32_t stream = 0;
};

struct HeadCounts {
  int heads = 0;
  int group = 1;  ///< query heads of a key head
  int head_dim = 0;
};

struct AttentionForward {
  HeadRows<const void> q;
  HeadRows<const void> k;
  HeadRows<const void> v;
  HeadRows<void> o;
  float* lse;  ///< (rows, heads), or null
  Segments segments;
  ScoreRule rule;
  HeadCounts counts;
};

/// Of a query and head, for the backward.
struct RowStatistics {
  float lse;    ///< times log2(e)
  float delta;  ///< sum of do . o
};

struct AttentionStatistics {
  HeadRows<const void> d_o;
  HeadRows<const void> o;
  const float* lse;           ///< (rows, heads)
  RowStatistics* statistics;  ///< (heads, rows)
  std::int64_t rows;
  HeadCounts counts;
};

struct AttentionBackward {
  HeadRows<const void> q;
  HeadRows<const void> k;
  HeadRows<const void> v;
  HeadRows<const void> d_o;
  const RowStatistics* statistics;  ///< (heads, rows)
  HeadRows<void> dq;                ///< data of gradients that are not asked for is null
  HeadRows<void> dk;
  HeadRows<void> dv;
  float* d_bias;                ///< (tiles of queries, buckets, heads), or null
  const std::int32_t* buckets;  ///< (2 bias_reach + 1), where there is d_bias
  int bucket_count;
  std::int64_t rows;  ///< of queries
  Segments segments;
  ScoreRule rule;
  HeadCounts counts;
};

/// A block of a kernel: so many warps of 16 rows each, against tiles of so many rows that pass by.
struct AttentionTiles {
  int warps;
  int passing;
  int shared_bytes;
  int rows;
  int threads;
};

/// Rows in shared memory are longer by 16 bytes than their elements, so that those of a matrix lie in
/// different banks.
constexpr int row_bytes(int element_bytes, int size) { return size * element_bytes + 16; }

/// Whether a forward block keeps its queries in registers: then they arrive where the second tile of keys
/// will. float32 splits what it multiplies, and larger heads leave no registers.
constexpr bool queries_in_registers(int element_bytes, int size) { return element_bytes == 2 && size <= 128; }

/// `size`: that of a head, padded. Two tiles of keys and values are in shared memory, one to compute with and
/// one that arrives.
constexpr AttentionTiles forward_tiles(int element_bytes, int size) {
  const bool narrow = element_bytes == 2;
  const int warps = narrow || size < 256 ? 4 : 2;
  const int keys = size == 64 && narrow ? 64 : size <= 64 || (size == 128 && narrow) ? 32 : 16;
  const int own = queries_in_registers(element_bytes, size) ? 0 : 16 * warps;
  return {warps, keys, row_bytes(element_bytes, size) * (4 * keys + own), 16 * warps, 32 * warps};
}

inline constexpr int kStatisticsThreads = 128;
/// Lanes that share a row of a head: 16 bytes each are 128 bytes, a cache line.
inline constexpr int kStatisticsLanes = 8;

/// A block of the backward keeps two tiles, of keys and values or of queries and do, while two of the others
/// pass by, again with the next ones arriving. Beside them are what the passing queries need of
/// RowStatistics, or what the bias's gradient needs.
constexpr AttentionTiles backward_tiles(int element_bytes, int size, bool d_bias) {
  const bool narrow = element_bytes == 2;
  const int warps = size <= 64 || (narrow && size == 128) ? 4 : 2;
  const int passing = size == 256 ? (narrow ? 16 : 8) : narrow ? 32 : 16;
  const int rows = 16 * warps;
  const int beside = d_bias ? 4 * (rows * passing + rows + passing) : 2 * 8 * passing;
  return {warps, passing, row_bytes(element_bytes, size) * (2 * rows + 4 * passing) + beside, rows,
          32 * warps};
}

/// Accumulators of dk and dv of a large head do not fit into registers together: each has a kernel.
constexpr bool keys_and_values_together(int size) { return size <= 128; }

inline constexpr std::int64_t kLargestHead = 256;

/// The head size of the kernel that takes this one.
constexpr int padded_head(std::int64_t head_dim) {
  return head_dim <= 32 ? 32 : head_dim <= 64 ? 64 : head_dim <= 128 ? 128 : 256;
}

}  // namespace attune::cuda
