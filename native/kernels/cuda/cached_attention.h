#pragma once

#include "kernels/cuda/attention.h"

namespace attune::cuda {

inline constexpr int kAppendThreads = 128;  ///< a block a new row

/// New keys and values into their slots.
struct CacheAppend {
  HeadRows<const void> k;
  HeadRows<const void> v;
  void* k_cache;  ///< (slots, capacity, kv_heads * head_dim)
  void* v_cache;
  Segments segments;
  int columns;
  int head_dim;
};

/// Of a query and head over a part of the keys: o is relative to `highest` and not divided by the sum.
struct PartialSoftmax {
  float highest;  ///< score times log2(e)
  float sum;
};

struct AttentionDecode {
  HeadRows<const void> q;
  HeadRows<const void> k;
  HeadRows<const void> v;
  float* o;                  ///< (splits, rows, heads, head_dim)
  PartialSoftmax* partials;  ///< (splits, rows, heads)
  std::int64_t rows;         ///< of queries
  int splits;
  Segments segments;
  ScoreRule rule;
  HeadCounts counts;
};

inline constexpr int kCombineThreads = 128;  ///< a warp a query and head

struct CombinePartials {
  const float* o;                  ///< (splits, rows, heads, head_dim)
  const PartialSoftmax* partials;  ///< (splits, rows, heads)
  void* to;                        ///< (rows, heads, head_dim)
  std::int64_t rows;               ///< rows times heads
  int splits;
  int head_dim;
};

/// Rows of a block when decoding: query heads of a group, of one token or of some. Its warps share the keys.
inline constexpr int kDecodeRows = 16;

constexpr AttentionTiles decode_tiles(int element_bytes, int size) {
  const int warps = size == 256 ? 2 : 4;
  const int keys = warps * (element_bytes == 2 ? 16 : 8);
  return {warps, keys, row_bytes(element_bytes, size) * (4 * keys + kDecodeRows), kDecodeRows, 32 * warps};
}

}  // namespace attune::cuda
