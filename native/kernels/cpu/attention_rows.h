#pragma once

// Where the rows of heads lie, and how the rows of segments, queries and keys, are cut into tiles.

#include "kernels/attention.h"
#include "kernels/cpu/launch.h"

namespace attune::cpu::ATTUNE_ISA {

/// Queries and keys of a tile: at head_dim 64 a tile of floats is 16 KiB, and the five or six of one step
/// stay in the second-level cache while the two that a product reads most stay in the first.
inline constexpr std::int64_t kTile = 64;
static_assert(kTile % Vec::kWidth == 0);

inline std::int64_t padded(std::int64_t n) { return divide_up(n, Vec::kWidth) * Vec::kWidth; }

/// Floats between rows of a tile that many lanes wide: an odd number of lines of the cache. Rows of 4 lines
/// would share a quarter of the first level's sets, where the 64 that a product reads push one another out.
constexpr std::int64_t tile_step(std::int64_t lanes) { return (divide_up(lanes, 16) | 1) * 16; }
/// Of a tile of kTile queries a row.
inline constexpr std::int64_t kTileStep = tile_step(kTile);

/// A head's rows lie far apart and are short: the processor does not guess the next ones.
inline constexpr std::int64_t kRowsAhead = 8;

/// Rows of one head: row r begins at data + r * stride.
template <class T>
struct HeadRows {
  T* data = nullptr;
  std::int64_t stride = 0;
  [[nodiscard]] HeadRows from(std::int64_t row) const { return {data + row * stride, stride}; }
  /// The row whose turn comes kRowsAhead rows after this one, to be read or written: a store to memory that
  /// is not near is waited for too.
  ATTUNE_INLINE void ask_ahead(std::int64_t row, std::int64_t head_dim) const {
    constexpr std::int64_t kLine = 64 / sizeof(T);
    for (std::int64_t i = 0; i < head_dim; i += kLine) prefetch(data + (row + kRowsAhead) * stride + i);
  }
};

/// q, k and v (or their gradients), apart or packed.
template <class T>
struct Projections {
  T* q = nullptr;
  T* k = nullptr;
  T* v = nullptr;
  std::int64_t q_stride = 0;
  std::int64_t kv_stride = 0;
  std::int64_t head_step = 0;  ///< columns between heads
  std::int64_t group = 1;      ///< query heads per key head

  [[nodiscard]] HeadRows<T> q_head(std::int64_t head) const { return {q + head * head_step, q_stride}; }
  [[nodiscard]] HeadRows<T> k_head(std::int64_t kv_head) const {
    return {k + kv_head * head_step, kv_stride};
  }
  [[nodiscard]] HeadRows<T> v_head(std::int64_t kv_head) const {
    return {v + kv_head * head_step, kv_stride};
  }
};

/// `views` are q, k, v in this order, any of which may be absent.
template <class T>
Projections<T> projections_of(const AttentionArguments& a, std::span<const TensorView> views) {
  Projections<T> p;
  p.head_step = a.packing == Packing::interleaved ? 3 * a.head_dim : a.head_dim;
  p.group = a.heads / a.kv_heads;
  if (a.packing != Packing::none) {
    p.q_stride = p.kv_stride = (a.heads + 2 * a.kv_heads) * a.head_dim;
    if (!has(views, 0)) return p;
    const bool apart = a.packing == Packing::qkv;
    p.q = views[0].as<T>();
    p.k = p.q + (apart ? a.heads : 1) * a.head_dim;
    p.v = p.k + (apart ? a.kv_heads : 1) * a.head_dim;
  } else {
    p.q_stride = a.heads * a.head_dim;
    p.kv_stride = a.kv_heads * a.head_dim;
    if (has(views, 0)) p.q = views[0].as<T>();
    if (has(views, 1)) p.k = views[1].as<T>();
    if (has(views, 2)) p.v = views[2].as<T>();
  }
  return p;
}

/// One tile of a segment's rows, queries or keys.
struct SegmentTile {
  std::int64_t segment = 0;
  std::int64_t begin = 0;   ///< the segment's first row in the batch
  std::int64_t length = 0;  ///< rows of the segment
  std::int64_t first = 0;   ///< the tile's first row in the segment
  [[nodiscard]] std::int64_t row() const { return begin + first; }
  [[nodiscard]] std::int64_t rows() const { return minimum(kTile, length - first); }
  /// Different for all tiles, and below maximum_tiles, whoever lists them.
  [[nodiscard]] std::int64_t number() const { return row() / kTile + segment; }
};

/// The segments of one list of rows.
struct Segments {
  const std::int32_t* starts = nullptr;  ///< cu_seqlens
  std::int64_t count = 0;

  Segments() = default;
  explicit Segments(const TensorView& cu_seqlens)
      : starts(cu_seqlens.as<const std::int32_t>()), count(cu_seqlens.shape.rows() - 1) {}

  [[nodiscard]] std::int64_t length(std::int64_t segment) const {
    return starts[segment + 1] - starts[segment];
  }
  [[nodiscard]] SegmentTile tile(std::int64_t segment, std::int64_t first) const {
    return {segment, starts[segment], length(segment), first};
  }
  /// Lists the tiles of all segments, or of each the first of so many; returns how many those are.
  std::int64_t list_tiles(SegmentTile* tiles, std::int64_t together = 1) const {
    std::int64_t listed = 0;
    for (std::int64_t s = 0; s < count; ++s) {
      for (std::int64_t first = 0; first < length(s); first += together * kTile)
        tiles[listed++] = tile(s, first);
    }
    return listed;
  }
};

/// What the lanes of a tile hold where its queries follow one another.
struct TileLanes {
  alignas(64) float numbers[kTile] = {};
  constexpr TileLanes() {
    for (std::int64_t i = 0; i < kTile; ++i) numbers[i] = static_cast<float>(i);
  }
};
inline constexpr TileLanes kTileLanes;

/// Where the queries of a tile are among the keys of their segment.
struct TilePositions {
  std::int64_t first;
  std::int64_t last;
  const float* lanes = kTileLanes.numbers;  ///< each query's position less the first

  [[nodiscard]] bool follow() const { return lanes == kTileLanes.numbers; }
};

/// The queries: all rows of the batch, or some.
struct QueryRows {
  Segments segments;                     ///< of the rows that q has
  const std::int32_t* rows = nullptr;    ///< query_rows; nullptr: all
  const std::int32_t* starts = nullptr;  ///< cu_seqlens, where there are `rows`

  /// `starts_of_rows` (S + 1): room for the segments of query_rows.
  QueryRows(const TensorView& cu_seqlens, const TensorView* query_rows, std::int32_t* starts_of_rows)
      : segments(cu_seqlens) {
    if (query_rows == nullptr) return;
    rows = query_rows->as<const std::int32_t>();
    starts = segments.starts;
    std::int64_t row = 0;
    for (std::int64_t s = 0; s <= segments.count; ++s) {
      while (row < query_rows->shape.rows() && rows[row] < starts[s]) ++row;
      starts_of_rows[s] = static_cast<std::int32_t>(row);
    }
    segments.starts = starts_of_rows;
  }

  /// `lanes` (kTile): room for positions that do not follow one another.
  [[nodiscard]] TilePositions positions(const SegmentTile& tile, float* lanes) const {
    const std::int64_t count = tile.rows();
    if (rows == nullptr) return {tile.first, tile.first + count - 1};
    const std::int32_t* const own = rows + tile.row();
    const std::int64_t start = starts[tile.segment];
    const TilePositions ends{own[0] - start, own[count - 1] - start};
    if (ends.last - ends.first == count - 1) return ends;
    for (std::int64_t i = 0; i < padded(count); ++i)
      lanes[i] = static_cast<float>(own[minimum(i, count - 1)] - own[0]);
    return {ends.first, ends.last, lanes};
  }
};

/// A tile of queries of one head.
struct HeadTile {
  SegmentTile tile;
  std::int64_t head;

  /// Of the listed tiles of `heads` heads, each the first of `together`: a segment's heads follow one
  /// another, so that the keys and values of one stay near, and of a head the tiles that see the most keys
  /// come first, so that no long task is left for the end.
  static HeadTile of_task(const SegmentTile* tiles, std::int64_t heads, std::int64_t task,
                          std::int64_t together = 1) {
    const std::int64_t some = task / heads;  // of the task's segment
    const std::int64_t first = some - tiles[some].first / (together * kTile);
    const std::int64_t count = divide_up(tiles[some].length, together * kTile);
    const std::int64_t within = task - first * heads;
    return {tiles[first + count - 1 - within % count], within / count};
  }
};

inline std::int64_t maximum_tiles(std::int64_t rows, std::int64_t segments) {
  return rows / kTile + segments;
}

}  // namespace attune::cpu::ATTUNE_ISA
