#pragma once

// One tile of queries against all the keys it sees: the forward of attention, and of cached_attention's
// prefill.

#include "kernels/cpu/relative_bias.h"

namespace attune::cpu::ATTUNE_ISA {

/// Arrays of one thread.
struct AttendArrays {
  float* q;        ///< (kTile, D) scaled queries; D is head_dim padded to whole vectors
  float* qt;       ///< (D, kTile) the same transposed
  float* k;        ///< (kTile, D)
  float* v;        ///< (kTile, D)
  float* p;        ///< (kTile keys, kTile queries) scores, then probabilities
  float* factors;  ///< like p: dropout
  float* o;        ///< (kTile, D)
  float* m;        ///< (kTile) running maximum
  float* l;        ///< (kTile) running sum
  float* rescale;  ///< (kTile)
  float* bias;     ///< (2 kTile) diagonals
  float* lanes;    ///< (kTile) positions of queries that do not follow one another

  using Size = std::int64_t;  ///< head_dim
  AttendArrays(Carver& carver, Size head_dim) {
    const std::int64_t d = padded(head_dim);
    q = carver.take<float>(kTile * d);
    qt = carver.take<float>(d * kTile);
    k = carver.take<float>(kTile * d);
    v = carver.take<float>(kTile * d);
    p = carver.take<float>(kTile * kTile);
    factors = carver.take<float>(kTile * kTile);
    o = carver.take<float>(kTile * d);
    m = carver.take<float>(kTile);
    l = carver.take<float>(kTile);
    rescale = carver.take<float>(kTile);
    bias = carver.take<float>(2 * kTile);
    lanes = carver.take<float>(kTile);
  }
};

/// Scores become probabilities relative to the running maximum; m, l and rescale are brought up to date.
/// `bias`: diagonals, or nullptr.
inline void update_softmax(const AttendArrays& s, std::int64_t queries, std::int64_t keys,
                           const TileSight& sight, float softcap, const float* bias) {
  const Vec cap = broadcast(softcap);
  const Vec inverse_cap = broadcast(softcap > 0.0F ? 1.0F / softcap : 0.0F);
  for (std::int64_t i = 0; i < queries; i += Vec::kWidth) {
    float* const column = s.p + i;
    const Vec old = load(s.m + i);
    Vec highest = old;
    if (softcap > 0.0F || bias != nullptr || !sight.whole) {
      const Vec query = sight.queries(i);
      for (std::int64_t j = 0; j < keys; ++j) {
        Vec score = load(column + j * kTile);
        if (softcap > 0.0F) score = cap * tanh(score * inverse_cap);
        if (bias != nullptr) score = score + load(bias + BiasDiagonals::entry(i, j));
        if (!sight.whole) {
          score = TileSight::seen(query, sight.low(j), sight.high(j), score, broadcast(kMinusInfinity));
        }
        store(column + j * kTile, score);
        highest = max(highest, score);
      }
    } else {
      for (std::int64_t j = 0; j < keys; ++j) highest = max(highest, load(column + j * kTile));
    }
    // A query that has seen nothing yet keeps 0 as its reference: infinity less infinity is not a number.
    const Vec reference = select(less(highest, broadcast(-3.0e38F)), zero(), highest);
    Vec sum = zero();
    for (std::int64_t j = 0; j < keys; ++j) {
      const Vec p = exp(load(column + j * kTile) - reference);
      store(column + j * kTile, p);
      sum = sum + p;
    }
    const Vec rescale = exp(old - reference);
    store(s.m + i, highest);
    store(s.l + i, fma(load(s.l + i), rescale, sum));
    store(s.rescale + i, rescale);
  }
}

struct AttendTask {
  std::int64_t row;  ///< of the first query in q, for dropout
  std::int64_t head;
  TilePositions positions;
  std::int64_t queries;
  std::int64_t keys;  ///< all there are
};

/// o and lse (may be nullptr, steps `lse_stride`) of up to kTile queries.
template <class T>
void attend_tile(const AttentionArguments& a, const ProbabilityDropout& dropout, const RelativeBias& bias,
                 const AttendTask& task, HeadRows<const T> q, HeadRows<const T> k, HeadRows<const T> v,
                 HeadRows<T> o, float* lse, std::int64_t lse_stride, const AttendArrays& s) {
  const std::int64_t d = padded(a.head_dim);
  const std::int64_t lanes_of_queries = padded(task.queries);
  const Sight sight{a.causal, a.window};
  widen_and_transpose(q, task.queries, a.head_dim, a.scale, s.q, s.qt);
  for (std::int64_t i = 0; i < lanes_of_queries; i += Vec::kWidth) {
    store(s.m + i, broadcast(kMinusInfinity));
    store(s.l + i, zero());
  }
  const std::int64_t end = sight.end(task.positions.last, task.keys);
  bool first = true;
  for (std::int64_t key = sight.begin(task.positions.first) / kTile * kTile; key < end; key += kTile) {
    const std::int64_t keys = minimum(kTile, task.keys - key);
    const TileSight tile_sight(sight, task.positions, key, keys);
    widen_rows(k.from(key), keys, a.head_dim, 1.0F, s.k);
    widen_rows(v.from(key), keys, a.head_dim, 1.0F, s.v);
    multiply_by_transposed(s.k, s.qt, keys, lanes_of_queries, a.head_dim, tile_sight, s.p);
    if (bias.on()) BiasDiagonals{key - task.positions.first}.take(bias, task.head, s.bias);
    update_softmax(s, lanes_of_queries, keys, tile_sight, a.softcap, bias.on() ? s.bias : nullptr);
    if (dropout.on) {
      dropout.factors(task.row, task.queries, task.head, key, keys, s.factors);
      for (std::int64_t i = 0; i < keys * kTile; i += Vec::kWidth) {
        store(s.p + i, load(s.p + i) * load(s.factors + i));
      }
    }
    multiply_tile({.a = s.p,
                   .row_step = 1,
                   .depth_step = kTile,
                   .b = s.v,
                   .b_step = d,
                   .c = s.o,
                   .c_step = d,
                   .accumulate = !first,
                   .row_scale = first ? nullptr : s.rescale,
                   .depth_band = tile_sight.keys_of_queries()},
                  task.queries, d, keys);
    first = false;
  }
  for (std::int64_t i = 0; i < task.queries; ++i) {
    const float sum = first ? 0.0F : s.l[i];
    const Vec inverse = broadcast(sum > 0.0F ? 1.0F / sum : 0.0F);
    for_vectors(a.head_dim, [&](std::int64_t c, auto lanes) {
      const Vec value = first ? zero() : load(s.o + i * d + c) * inverse;
      store(o.data + i * o.stride + c, value, lanes);
    });
    // Infinity makes every probability of the backward 0.
    if (lse != nullptr) lse[i * lse_stride] = sum > 0.0F ? s.m[i] + __builtin_logf(sum) : -kMinusInfinity;
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
