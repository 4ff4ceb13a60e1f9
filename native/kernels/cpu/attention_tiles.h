#pragma once

// What the attention kernels share: which keys a query sees, and tiles of queries and keys as floats. Scores
// are kept transposed, (keys, queries): a vector then holds one key's scores for many queries, so maxima and
// sums over keys need no horizontal step, and the tile is the left factor of the next product as it lies.

#include "kernels/cpu/attention_rows.h"
#include "kernels/cpu/philox_lanes.h"
#include "kernels/cpu/tile_product.h"

namespace attune::cpu::ATTUNE_ISA {

static_assert(kTile % kPhiloxLanes == 0);

inline constexpr float kMinusInfinity = -__builtin_inff();

/// Arrays of every thread in one scratch; `Arrays(carver, size)` lays those of one thread out.
template <class Arrays>
class PerThread {
 public:
  PerThread(Carver& carver, int threads, const typename Arrays::Size& size) : size_(size) {
    Carver one;
    Arrays counted(one, size);
    bytes_ = one.used();
    memory_ = carver.take<std::byte>(static_cast<std::int64_t>(bytes_) * threads);
  }
  [[nodiscard]] Arrays of(int thread) const {
    Carver own({memory_ + static_cast<std::size_t>(thread) * bytes_, bytes_});
    return Arrays(own, size_);
  }

 private:
  typename Arrays::Size size_;
  std::byte* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Which keys queries see; positions count from the segment's first key.
struct Sight {
  bool causal;
  std::int64_t window;

  /// Keys [begin, end) that some query in positions [first, last] may see, of `keys` there are.
  [[nodiscard]] std::int64_t begin(std::int64_t first) const {
    return window > 0 ? maximum(0, first - window + 1) : 0;
  }
  [[nodiscard]] std::int64_t end(std::int64_t last, std::int64_t keys) const {
    if (causal) return minimum(keys, last + 1);
    return window > 0 ? minimum(keys, last + window) : keys;
  }
};

/// The part of Sight that cuts through one pair of tiles: key j of the tile is seen by the queries whose
/// positions, less the first, are in [low(j), high(j)).
struct TileSight {
  static constexpr std::int64_t kFar = Band::kFar;  // past any position, and exact as a float
  std::int64_t low0;
  std::int64_t high0;
  const float* lanes;
  bool whole;  ///< every query sees every key
  bool bands;  ///< what is seen lies between two diagonals of the tile

  TileSight(const Sight& sight, const TilePositions& queries, std::int64_t key_position, std::int64_t keys)
      : lanes(queries.lanes) {
    const std::int64_t offset = queries.first - key_position;
    low0 = sight.causal ? -offset : sight.window > 0 ? 1 - offset - sight.window : -kFar;
    high0 = sight.window > 0 ? sight.window - offset : kFar;
    whole = low0 + keys - 1 <= 0 && high0 > queries.last - queries.first;
    bands = whole || queries.follow();
    low0 = maximum(-kFar, minimum(kFar, low0));
    high0 = maximum(-kFar, minimum(kFar, high0));
  }
  /// Queries of a key, and keys of a query.
  [[nodiscard]] Band queries_of_keys() const { return bands ? Band{low0, high0} : Band{}; }
  [[nodiscard]] Band keys_of_queries() const { return bands ? Band{1 - high0, 1 - low0} : Band{}; }
  /// Positions of the queries in the vector at i, less the first.
  [[nodiscard]] ATTUNE_INLINE Vec queries(std::int64_t i) const { return load(lanes + i); }
  [[nodiscard]] ATTUNE_INLINE Vec low(std::int64_t key) const {
    return broadcast(static_cast<float>(low0 + key));
  }
  [[nodiscard]] ATTUNE_INLINE Vec high(std::int64_t key) const {
    return broadcast(static_cast<float>(high0 + key));
  }
  /// v where the queries of these lanes see the key, else `other`.
  static ATTUNE_INLINE Vec seen(Vec query, Vec low, Vec high, Vec v, Vec other) {
    return select(less(query, low), other, select(less(query, high), v, other));
  }
};

/// Rows of two heads that a thread reads next. Loops that wait for arithmetic bring them to the second-level
/// cache on their way, a line at a time, so that nobody waits for them later.
struct ComingRows {
  const std::byte* first = nullptr;
  const std::byte* second = nullptr;
  std::int64_t stride = 0;  ///< bytes between rows
  std::int64_t lines = 0;   ///< of a row, in each of the two; 0: nothing comes
  static constexpr std::int64_t kCacheLine = 64;

  ComingRows() = default;
  template <class T>
  ComingRows(HeadRows<const T> a, HeadRows<const T> b, std::int64_t head_dim)
      : first(reinterpret_cast<const std::byte*>(a.data)),
        second(reinterpret_cast<const std::byte*>(b.data)),
        stride(a.stride * static_cast<std::int64_t>(sizeof(T))),
        lines(divide_up(head_dim * static_cast<std::int64_t>(sizeof(T)), kCacheLine)) {}

  /// Of a row the lines whose turn is `part` of `parts`.
  ATTUNE_INLINE void bring(std::int64_t row, std::int64_t part, std::int64_t parts) const {
    const std::int64_t at = row * stride;
    for (std::int64_t line = part; line < 2 * lines; line += parts)
      prefetch_second_level(
          (line < lines ? first + line * kCacheLine : second + (line - lines) * kCacheLine) + at);
  }
};

/// Rows as floats times `scale`, each padded with zeros to whole vectors.
template <class T>
void widen_rows(HeadRows<T> from, std::int64_t rows, std::int64_t head_dim, float scale, float* to) {
  const std::int64_t step = tile_step(head_dim);
  const Vec factor = broadcast(scale);
  for (std::int64_t r = 0; r < rows; ++r) {
    from.ask_ahead(r, head_dim);
    for_vectors(head_dim, [&](std::int64_t i, auto lanes) {
      store(to + r * step + i, load(from.data + r * from.stride + i, lanes) * factor);
    });
  }
}

/// to[c * kTileStep + r] = from[r * step + c]; rows up to the next whole vector become 0. Rows of `from` are
/// padded with zeros to whole vectors, and so is the number of columns in `to`.
inline void transpose_tile(const float* from, std::int64_t rows, std::int64_t columns, std::int64_t step,
                           float* to) {
  constexpr std::int64_t kWidth = Vec::kWidth;
  for (std::int64_t r = 0; r < rows; r += kWidth) {
    for (std::int64_t c = 0; c < columns; c += kWidth) {
      Vec square[kWidth];
#pragma GCC unroll 16
      for (std::int64_t i = 0; i < kWidth; ++i)
        square[i] = r + i < rows ? load(from + (r + i) * step + c) : zero();
      transpose(square);
#pragma GCC unroll 16
      for (std::int64_t i = 0; i < kWidth; ++i) store(to + (c + i) * kTileStep + r, square[i]);
    }
  }
}

/// Queries (or do) of a tile as floats, as they lie and transposed.
template <class T>
void widen_and_transpose(HeadRows<T> from, std::int64_t rows, std::int64_t head_dim, float scale, float* to,
                         float* transposed) {
  widen_rows(from, rows, head_dim, scale, to);
  transpose_tile(to, rows, head_dim, tile_step(head_dim), transposed);
}

/// Some neighbours among a tile's queries: lanes [first, end).
struct QueryLanes {
  std::int64_t first;
  std::int64_t end;
};

/// out (keys, kTile queries) = left (keys, D) times right (D, kTile queries): scores, or do v^T, of these
/// lanes.
inline void multiply_by_transposed(const float* left, const float* right, std::int64_t keys, QueryLanes lanes,
                                   std::int64_t head_dim, const TileSight& sight, float* out) {
  const Band band = sight.queries_of_keys();
  multiply_tile({.a = left,
                 .row_step = tile_step(head_dim),
                 .depth_step = 1,
                 .b = right + lanes.first,
                 .b_step = kTileStep,
                 .c = out + lanes.first,
                 .c_step = kTileStep,
                 .column_band = {band.low - lanes.first, band.high - lanes.first}},
                keys, lanes.end - lanes.first, head_dim);
}

/// Dropout on probabilities; the mask is a function of (row, head, key) alone, so the backward makes it
/// again.
struct ProbabilityDropout {
  bool on = false;
  PhiloxKey key;
  std::uint32_t threshold = 0;
  float scale = 1.0F;
  std::int64_t heads = 0;

  ProbabilityDropout() = default;
  ProbabilityDropout(const AttentionArguments& a, const PhiloxKey& random)
      : on(a.dropout > 0.0F),
        key(random),
        threshold(drop_below(a.dropout)),
        scale(dropout_scale(a.dropout)),
        heads(a.heads) {
    key.stream = a.stream;
  }

  /// factors (keys, kTile): what each probability is multiplied by. `row` is the first query's row in the
  /// batch, `first_key` the first key's number in the segment, a multiple of kTile.
  void factors(std::int64_t row, std::int64_t queries, std::int64_t head, std::int64_t first_key,
               std::int64_t keys, float* out) const {
    for (std::int64_t j = 0; j < keys; j += 4) {
      for (std::int64_t i = 0; i < queries; i += kPhiloxLanes) {
        std::uint64_t counters[kPhiloxLanes];
        for (int lane = 0; lane < kPhiloxLanes; ++lane) {
          counters[lane] = (static_cast<std::uint64_t>((row + i + lane) * heads + head) << 20) +
                           static_cast<std::uint64_t>((first_key + j) / 4);
        }
        std::uint32_t words[4][kPhiloxLanes];
        philox_lanes(key, counters, words);
        for (int word = 0; word < 4; ++word) {
          float* const factor = out + (j + word) * kTileStep + i;
          for (int lane = 0; lane < kPhiloxLanes; ++lane)
            factor[lane] = words[word][lane] < threshold ? 0.0F : scale;
        }
      }
    }
  }
};

}  // namespace attune::cpu::ATTUNE_ISA
