#pragma once

// Tiles of queries against all the keys they see: the forward of attention, and of cached_attention's
// prefill.

#include "kernels/cpu/relative_bias.h"

namespace attune::cpu::ATTUNE_ISA {

/// Tiles of queries that share the keys and values which a thread has before it, at most.
inline constexpr std::int64_t kTilesTogether = 4;

/// Arrays of one thread; D is head_dim padded to whole vectors. Rows are a tile_step of their lanes apart.
struct AttendArrays {
  /// Of one tile of queries.
  struct Queries {
    float* qt;     ///< (D, kTile) scaled
    float* o;      ///< (kTile, D)
    float* m;      ///< (kTile) running maximum
    float* l;      ///< (kTile) running sum
    float* lanes;  ///< (kTile) positions of queries that do not follow one another
  };
  Queries tiles[kTilesTogether];
  float* q;        ///< (kTile, D) scaled queries, before they are transposed
  float* k;        ///< (kTile, D)
  float* v;        ///< (kTile, D)
  float* p;        ///< (kTile keys, kTile queries) scores, then probabilities
  float* factors;  ///< like p: dropout
  float* rescale;  ///< (kTile)
  float* bias;     ///< (2 kTile) diagonals

  using Size = std::int64_t;  ///< head_dim
  AttendArrays(Carver& carver, Size head_dim) {
    const std::int64_t step = tile_step(head_dim);
    for (Queries& tile : tiles) {
      tile.qt = carver.take<float>(padded(head_dim) * kTileStep);
      tile.o = carver.take<float>(kTile * step);
      tile.m = carver.take<float>(kTile);
      tile.l = carver.take<float>(kTile);
      tile.lanes = carver.take<float>(kTile);
    }
    q = carver.take<float>(kTile * step);
    k = carver.take<float>(kTile * step);
    v = carver.take<float>(kTile * step);
    p = carver.take<float>(kTile * kTileStep);
    factors = carver.take<float>(kTile * kTileStep);
    rescale = carver.take<float>(kTile);
    bias = carver.take<float>(2 * kTile);
  }
};

/// What a pair of tiles has beside the product of queries and keys.
struct SoftmaxTerms {
  const TileSight& sight;
  float softcap;
  const float* bias;  ///< diagonals, or nullptr
  [[nodiscard]] bool any() const { return softcap > 0.0F || bias != nullptr || !sight.whole; }
};

/// Scores (keys, kVectors vectors of queries from lane i on) with their terms, and each query's highest.
template <int kVectors>
ATTUNE_INLINE void finish_scores(float* scores, std::int64_t i, std::int64_t keys, const SoftmaxTerms& terms,
                                 Vec* highest) {
  const Vec cap = broadcast(terms.softcap);
  const Vec inverse_cap = broadcast(terms.softcap > 0.0F ? 1.0F / terms.softcap : 0.0F);
  for (std::int64_t j = 0; j < keys; ++j) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const std::int64_t lane = i + v * Vec::kWidth;
      float* const at = scores + j * kTileStep + lane;
      Vec score = load(at);
      if (terms.softcap > 0.0F) score = cap * tanh(score * inverse_cap);
      if (terms.bias != nullptr) score = score + load(terms.bias + BiasDiagonals::entry(lane, j));
      if (!terms.sight.whole) {
        score = TileSight::seen(terms.sight.queries(lane), terms.sight.low(j), terms.sight.high(j), score,
                                broadcast(kMinusInfinity));
      }
      store(at, score);
      highest[v] = max(highest[v], score);
    }
  }
}

/// Scores become probabilities relative to the running maximum; m, l and rescale are brought up to date. The
/// group of queries brings its share of what comes, `part` of `parts`.
template <int kVectors>
ATTUNE_INLINE void update_softmax(const AttendArrays& s, const AttendArrays::Queries& tile, std::int64_t i,
                                  std::int64_t keys, const SoftmaxTerms& terms, const ComingRows& coming,
                                  std::int64_t part, std::int64_t parts) {
  constexpr std::int64_t kWidth = Vec::kWidth;
  float* const column = s.p + i;
  Vec highest[kVectors];
#pragma GCC unroll 2
  for (int v = 0; v < kVectors; ++v) highest[v] = load(tile.m + i + v * kWidth);
  if (terms.any()) {
    finish_scores<kVectors>(s.p, i, keys, terms, highest);
  } else {
    for (std::int64_t j = 0; j < keys; ++j) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v)
        highest[v] = max(highest[v], load(column + j * kTileStep + v * kWidth));
    }
  }
  // A query that has seen nothing yet keeps 0 as its reference: infinity less infinity is not a number.
  Vec reference[kVectors];
  Vec sum[kVectors];
#pragma GCC unroll 2
  for (int v = 0; v < kVectors; ++v) {
    reference[v] = select(less(highest[v], broadcast(-3.0e38F)), zero(), highest[v]);
    sum[v] = zero();
  }
  for (std::int64_t j = 0; j < keys; ++j) {
    coming.bring(j, part, parts);
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      float* const at = column + j * kTileStep + v * kWidth;
      const Vec p = exp_of_nonpositive(load(at) - reference[v]);
      store(at, p);
      sum[v] = sum[v] + p;
    }
  }
#pragma GCC unroll 2
  for (int v = 0; v < kVectors; ++v) {
    const std::int64_t lane = i + v * kWidth;
    const Vec rescale = exp_of_nonpositive(load(tile.m + lane) - reference[v]);
    store(tile.m + lane, highest[v]);
    store(tile.l + lane, fma(load(tile.l + lane), rescale, sum[v]));
    store(s.rescale + lane, rescale);
  }
}

/// What tiles of queries of one head and segment share.
template <class T>
struct AttendProblem {
  const AttentionArguments& a;
  const ProbabilityDropout& dropout;
  const RelativeBias& bias;
  std::int64_t head;
  HeadRows<const T> k;
  HeadRows<const T> v;
  std::int64_t keys;            ///< all there are
  std::int64_t lse_stride = 0;  ///< between queries
  [[nodiscard]] Sight sight() const { return {a.causal, a.window}; }
};

/// Up to kTile queries.
template <class T>
struct AttendTask {
  HeadRows<const T> q;
  HeadRows<T> o;
  float* lse;        ///< or nullptr
  std::int64_t row;  ///< of the first query in q, for dropout
  std::int64_t queries;
  TilePositions positions;
};

template <class T>
void begin_queries(const AttendProblem<T>& problem, const AttendTask<T>& task, const AttendArrays& s,
                   const AttendArrays::Queries& tile) {
  widen_and_transpose(task.q, task.queries, problem.a.head_dim, problem.a.scale, s.q, tile.qt);
  for (std::int64_t i = 0; i < padded(task.queries); i += Vec::kWidth) {
    store(tile.m + i, broadcast(kMinusInfinity));
    store(tile.l + i, zero());
  }
}

/// Adds what the tile of keys from `key` on, which is widened, gives to the queries.
template <class T>
void attend_keys(const AttendProblem<T>& problem, const AttendTask<T>& task, std::int64_t key, bool first,
                 const ComingRows& coming, const AttendArrays& s, const AttendArrays::Queries& tile) {
  const AttentionArguments& a = problem.a;
  const std::int64_t step = tile_step(a.head_dim);
  const std::int64_t lanes_of_queries = padded(task.queries);
  const std::int64_t keys = minimum(kTile, problem.keys - key);
  const TileSight sight(problem.sight(), task.positions, key, keys);
  const bool biased = problem.bias.on();
  if (biased) BiasDiagonals{key - task.positions.first}.take(problem.bias, problem.head, s.bias);
  const SoftmaxTerms terms{sight, a.softcap, biased ? s.bias : nullptr};
  constexpr std::int64_t kSome = kProductVectors * Vec::kWidth;
  constexpr std::int64_t kTwo = 2 * Vec::kWidth;
  const std::int64_t parts = divide_up(lanes_of_queries, kTwo);
  // As many queries at a time as a block of the product is wide: their scores are still in the first level
  // when they become probabilities.
  for (std::int64_t some = 0; some < lanes_of_queries; some += kSome) {
    const QueryLanes lanes{some, minimum(some + kSome, lanes_of_queries)};
    multiply_by_transposed(s.k, tile.qt, keys, lanes, a.head_dim, sight, s.p);
    for (std::int64_t i = lanes.first; i < lanes.end; i += kTwo) {
      if (i + kTwo <= lanes.end) {
        update_softmax<2>(s, tile, i, keys, terms, coming, i / kTwo, parts);
      } else {
        update_softmax<1>(s, tile, i, keys, terms, coming, i / kTwo, parts);
      }
    }
  }
  if (problem.dropout.on) {
    problem.dropout.factors(task.row, task.queries, problem.head, key, keys, s.factors);
    for (std::int64_t j = 0; j < keys; ++j) {
      for (std::int64_t i = j * kTileStep; i < j * kTileStep + kTile; i += Vec::kWidth)
        store(s.p + i, load(s.p + i) * load(s.factors + i));
    }
  }
  multiply_tile({.a = s.p,
                 .row_step = 1,
                 .depth_step = kTileStep,
                 .b = s.v,
                 .b_step = step,
                 .c = tile.o,
                 .c_step = step,
                 .accumulate = !first,
                 .row_scale = first ? nullptr : s.rescale,
                 .depth_band = sight.keys_of_queries()},
                task.queries, padded(a.head_dim), keys);
}

/// o and lse of queries that have seen all their keys, or none.
template <class T>
void write_output(const AttendProblem<T>& problem, const AttendTask<T>& task, bool none,
                  const AttendArrays::Queries& tile) {
  const std::int64_t head_dim = problem.a.head_dim;
  for (std::int64_t i = 0; i < task.queries; ++i) {
    task.o.ask_ahead(i, head_dim);
    const float sum = none ? 0.0F : tile.l[i];
    const Vec inverse = broadcast(sum > 0.0F ? 1.0F / sum : 0.0F);
    for_vectors(head_dim, [&](std::int64_t c, auto lanes) {
      const Vec value = none ? zero() : load(tile.o + i * tile_step(head_dim) + c) * inverse;
      store(task.o.data + i * task.o.stride + c, value, lanes);
    });
    if (task.lse == nullptr) continue;
    // Infinity makes every probability of the backward 0.
    task.lse[i * problem.lse_stride] = sum > 0.0F ? tile.m[i] + __builtin_logf(sum) : -kMinusInfinity;
  }
}

/// All keys pass by up to kTilesTogether tiles of queries: each is read and widened once for them. What a
/// tile gives does not depend on the others.
template <class T>
void attend_tiles(const AttendProblem<T>& problem, const AttendTask<T>* tasks, std::int64_t count,
                  const AttendArrays& s) {
  const Sight sight = problem.sight();
  const std::int64_t head_dim = problem.a.head_dim;
  std::int64_t begins[kTilesTogether];
  std::int64_t ends[kTilesTogether];
  bool none[kTilesTogether];
  std::int64_t begin = problem.keys;
  std::int64_t end = 0;
  for (std::int64_t t = 0; t < count; ++t) {
    begins[t] = sight.begin(tasks[t].positions.first) / kTile * kTile;
    ends[t] = sight.end(tasks[t].positions.last, problem.keys);
    none[t] = true;
    begin = minimum(begin, begins[t]);
    end = maximum(end, ends[t]);
    begin_queries(problem, tasks[t], s, s.tiles[t]);
  }
  for (std::int64_t key = begin; key < end; key += kTile) {
    const std::int64_t next = key + kTile;
    widen_rows(problem.k.from(key), minimum(kTile, problem.keys - key), head_dim, 1.0F, s.k);
    widen_rows(problem.v.from(key), minimum(kTile, problem.keys - key), head_dim, 1.0F, s.v);
    ComingRows coming =
        next < end ? ComingRows(problem.k.from(next), problem.v.from(next), head_dim) : ComingRows();
    for (std::int64_t t = 0; t < count; ++t) {
      if (key < begins[t] || key >= ends[t]) continue;
      attend_keys(problem, tasks[t], key, none[t], coming, s, s.tiles[t]);
      none[t] = false;
      coming = {};
    }
  }
  for (std::int64_t t = 0; t < count; ++t) write_output(problem, tasks[t], none[t], s.tiles[t]);
}

}  // namespace attune::cpu::ATTUNE_ISA
