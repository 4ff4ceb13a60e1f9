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

/// Scores become probabilities relative to the running maximum; m, l and rescale are brought up to date.
/// `bias`: diagonals, or nullptr.
inline void update_softmax(const AttendArrays& s, const AttendArrays::Queries& tile, std::int64_t queries,
                           std::int64_t keys, const TileSight& sight, float softcap, const float* bias,
                           const ComingRows& coming) {
  const Vec cap = broadcast(softcap);
  const Vec inverse_cap = broadcast(softcap > 0.0F ? 1.0F / softcap : 0.0F);
  for (std::int64_t i = 0; i < queries; i += Vec::kWidth) {
    float* const column = s.p + i;
    const Vec old = load(tile.m + i);
    Vec highest = old;
    if (softcap > 0.0F || bias != nullptr || !sight.whole) {
      const Vec query = sight.queries(i);
      for (std::int64_t j = 0; j < keys; ++j) {
        Vec score = load(column + j * kTileStep);
        if (softcap > 0.0F) score = cap * tanh(score * inverse_cap);
        if (bias != nullptr) score = score + load(bias + BiasDiagonals::entry(i, j));
        if (!sight.whole) {
          score = TileSight::seen(query, sight.low(j), sight.high(j), score, broadcast(kMinusInfinity));
        }
        store(column + j * kTileStep, score);
        highest = max(highest, score);
      }
    } else {
      for (std::int64_t j = 0; j < keys; ++j) highest = max(highest, load(column + j * kTileStep));
    }
    // A query that has seen nothing yet keeps 0 as its reference: infinity less infinity is not a number.
    const Vec reference = select(less(highest, broadcast(-3.0e38F)), zero(), highest);
    Vec sum = zero();
    for (std::int64_t j = 0; j < keys; ++j) {
      coming.bring(j, i / Vec::kWidth, queries / Vec::kWidth);
      const Vec p = exp_of_nonpositive(load(column + j * kTileStep) - reference);
      store(column + j * kTileStep, p);
      sum = sum + p;
    }
    const Vec rescale = exp_of_nonpositive(old - reference);
    store(tile.m + i, highest);
    store(tile.l + i, fma(load(tile.l + i), rescale, sum));
    store(s.rescale + i, rescale);
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
  multiply_by_transposed(s.k, tile.qt, keys, lanes_of_queries, a.head_dim, sight, s.p);
  const bool biased = problem.bias.on();
  if (biased) BiasDiagonals{key - task.positions.first}.take(problem.bias, problem.head, s.bias);
  update_softmax(s, tile, lanes_of_queries, keys, sight, a.softcap, biased ? s.bias : nullptr, coming);
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
