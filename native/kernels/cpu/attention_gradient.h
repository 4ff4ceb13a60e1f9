#pragma once

// The steps of attention_backward on one pair of tiles, which its two ways of cutting the work share.

#include <cstring>

#include "kernels/cpu/attention_tiles.h"

namespace attune::cpu::ATTUNE_ISA {

/// GradientArrays of one thread; D is head_dim padded to whole vectors.
struct GradientArrays {
  float* q;        ///< (kTile, D) scaled
  float* qt;       ///< (D, kTile)
  float* d_o;      ///< (kTile, D)
  float* d_ot;     ///< (D, kTile)
  float* k;        ///< (kTile, D)
  float* v;        ///< (kTile, D)
  float* p;        ///< (kTile keys, kTile queries)
  float* ds;       ///< like p
  float* factors;  ///< like p: dropout
  float* lse;      ///< (kTile)
  float* delta;    ///< (kTile)
  float* dq;       ///< (kTile, D)
  float* dk;       ///< (rows of a key tile or of a whole segment, D)
  float* dv;
};

inline GradientArrays lay_out_gradient_arrays(Carver& carver, std::int64_t head_dim, std::int64_t key_rows) {
  const std::int64_t d = padded(head_dim);
  GradientArrays s{};
  s.q = carver.take<float>(kTile * d);
  s.qt = carver.take<float>(kTile * d);
  s.d_o = carver.take<float>(kTile * d);
  s.d_ot = carver.take<float>(kTile * d);
  s.k = carver.take<float>(kTile * d);
  s.v = carver.take<float>(kTile * d);
  s.p = carver.take<float>(kTile * kTile);
  s.ds = carver.take<float>(kTile * kTile);
  s.factors = carver.take<float>(kTile * kTile);
  s.lse = carver.take<float>(kTile);
  s.delta = carver.take<float>(kTile);
  s.dq = carver.take<float>(kTile * d);
  s.dk = carver.take<float>(key_rows * d);
  s.dv = carver.take<float>(key_rows * d);
  return s;
}

/// Everything that the steps below read, for one call.
template <class T>
struct GradientProblem {
  const AttentionArguments& a;
  ProbabilityDropout dropout;
  Projections<const T> in;
  Projections<T> out;  ///< gradients; absent ones are nullptr
  const T* d_o;
  const T* o;
  const float* lse;
  [[nodiscard]] Sight sight() const { return {a.causal, a.window}; }
  [[nodiscard]] std::int64_t d() const { return padded(a.head_dim); }
};

template <class T>
void prepare_queries(const GradientProblem<T>& problem, const SegmentTile& tile, std::int64_t head,
                     const GradientArrays& s) {
  const AttentionArguments& a = problem.a;
  const std::int64_t row = tile.begin + tile.first;
  const std::int64_t rows = tile.rows();
  const std::int64_t stride = a.heads * a.head_dim;
  const std::int64_t at = row * stride + head * a.head_dim;
  widen_rows(problem.in.q_head(head).from(row), rows, a.head_dim, a.scale, s.q);
  widen_rows(HeadRows<const T>{problem.d_o + at, stride}, rows, a.head_dim, 1.0F, s.d_o);
  transpose_tile(s.q, rows, a.head_dim, problem.d(), s.qt);
  transpose_tile(s.d_o, rows, a.head_dim, problem.d(), s.d_ot);
  for (std::int64_t i = 0; i < padded(rows); ++i) {
    const T* const o = problem.o + at + i * stride;
    const float* const d_o = s.d_o + i * problem.d();
    s.lse[i] = i < rows ? problem.lse[(row + i) * a.heads + head] : 0.0F;
    s.delta[i] =
        i < rows ? sum_of(
                       a.head_dim,
                       [&](std::int64_t c, auto lanes) { return load(o + c, lanes) * load(d_o + c, lanes); })
                 : 0.0F;
  }
}

template <class T>
void prepare_keys(const GradientProblem<T>& problem, const SegmentTile& tile, std::int64_t kv_head,
                  const GradientArrays& s) {
  const std::int64_t row = tile.begin + tile.first;
  widen_rows(problem.in.k_head(kv_head).from(row), tile.rows(), problem.a.head_dim, 1.0F, s.k);
  widen_rows(problem.in.v_head(kv_head).from(row), tile.rows(), problem.a.head_dim, 1.0F, s.v);
}

/// From scores and do v^T to probabilities (with dropout) in p and the scores' gradient in ds.
inline void probabilities_and_gradients(const GradientArrays& s, std::int64_t lanes_of_queries,
                                        std::int64_t keys, const TileSight& sight, float softcap,
                                        bool dropout) {
  const Vec cap = broadcast(softcap);
  const Vec inverse_cap = broadcast(softcap > 0.0F ? 1.0F / softcap : 0.0F);
  for (std::int64_t j = 0; j < keys; ++j) {
    for (std::int64_t i = 0; i < lanes_of_queries; i += Vec::kWidth) {
      const std::int64_t at = j * kTile + i;
      Vec score = load(s.p + at);
      Vec slope = broadcast(1.0F);
      if (softcap > 0.0F) {
        const Vec t = tanh(score * inverse_cap);
        score = cap * t;
        slope = fnma(t, t, slope);
      }
      Vec p = exp(score - load(s.lse + i));
      Vec dp = load(s.ds + at);
      if (!sight.whole) p = TileSight::seen(lane_queries(i), sight.low(j), sight.high(j), p, zero());
      Vec kept = p;
      if (dropout) {
        const Vec factor = load(s.factors + at);
        dp = dp * factor;
        kept = p * factor;
      }
      Vec ds = p * (dp - load(s.delta + i));
      if (softcap > 0.0F) ds = ds * slope;
      // What is not seen was not computed: anything may lie there, and 0 times it need not be 0.
      if (!sight.whole) ds = TileSight::seen(lane_queries(i), sight.low(j), sight.high(j), ds, zero());
      store(s.p + at, kept);
      store(s.ds + at, ds);
    }
  }
}

template <class T>
TileSight sight_of(const GradientProblem<T>& problem, const SegmentTile& queries, const SegmentTile& keys) {
  return {problem.sight(), queries.first, keys.first, queries.rows(), keys.rows()};
}

/// p and ds of a pair of tiles that are prepared.
template <class T>
void make_pair(const GradientProblem<T>& problem, const SegmentTile& queries, const SegmentTile& keys,
               std::int64_t head, const GradientArrays& s) {
  const std::int64_t lanes_of_queries = padded(queries.rows());
  const TileSight sight = sight_of(problem, queries, keys);
  const std::int64_t d = problem.d();
  const Band band = sight.queries_of_keys();
  multiply_tile({.a = s.k,
                 .row_step = d,
                 .depth_step = 1,
                 .b = s.qt,
                 .b_step = kTile,
                 .c = s.p,
                 .c_step = kTile,
                 .column_band = band},
                keys.rows(), lanes_of_queries, problem.a.head_dim);
  multiply_tile({.a = s.v,
                 .row_step = d,
                 .depth_step = 1,
                 .b = s.d_ot,
                 .b_step = kTile,
                 .c = s.ds,
                 .c_step = kTile,
                 .column_band = band},
                keys.rows(), lanes_of_queries, problem.a.head_dim);
  if (problem.dropout.on) {
    problem.dropout.factors(queries.begin + queries.first, queries.rows(), head, keys.first, keys.rows(),
                            s.factors);
  }
  probabilities_and_gradients(s, lanes_of_queries, keys.rows(), sight, problem.a.softcap, problem.dropout.on);
}

template <class T>
void add_key_gradients(const GradientProblem<T>& problem, const SegmentTile& queries, const SegmentTile& keys,
                       float* dk, float* dv, const GradientArrays& s) {
  const std::int64_t d = problem.d();
  const Band band = sight_of(problem, queries, keys).queries_of_keys();
  const auto add = [&](const float* left, const float* right, float* sum) {
    multiply_tile({.a = left,
                   .row_step = kTile,
                   .depth_step = 1,
                   .b = right,
                   .b_step = d,
                   .c = sum,
                   .c_step = d,
                   .accumulate = true,
                   .depth_band = band},
                  keys.rows(), d, queries.rows());
  };
  if (problem.out.v != nullptr) add(s.p, s.d_o, dv);
  if (problem.out.k != nullptr) add(s.ds, s.q, dk);
}

template <class T>
void add_query_gradient(const GradientProblem<T>& problem, const SegmentTile& queries,
                        const SegmentTile& keys, const GradientArrays& s) {
  const std::int64_t d = problem.d();
  multiply_tile({.a = s.ds,
                 .row_step = 1,
                 .depth_step = kTile,
                 .b = s.k,
                 .b_step = d,
                 .c = s.dq,
                 .c_step = d,
                 .accumulate = true,
                 .depth_band = sight_of(problem, queries, keys).keys_of_queries()},
                queries.rows(), d, keys.rows());
}

inline void clear(float* values, std::int64_t n) {
  std::memset(values, 0, static_cast<std::size_t>(n) * sizeof(float));
}

/// from (rows, D) times `scale` into a head's rows, rounded once.
template <class T>
void write_rows(const float* from, std::int64_t rows, std::int64_t head_dim, float scale, HeadRows<T> to) {
  const Vec factor = broadcast(scale);
  for (std::int64_t r = 0; r < rows; ++r) {
    for_vectors(head_dim, [&](std::int64_t c, auto lanes) {
      store(to.data + r * to.stride + c, load(from + r * padded(head_dim) + c) * factor, lanes);
    });
  }
}

/// body(tile) for the tiles of keys that a tile of queries sees, in order.
template <class Body>
ATTUNE_INLINE void for_seen_keys(const Sight& sight, const SegmentTile& queries, const Body& body) {
  const std::int64_t end = sight.end(queries.first + queries.rows() - 1, queries.length);
  for (std::int64_t first = sight.begin(queries.first) / kTile * kTile; first < end; first += kTile) {
    body(SegmentTile{queries.begin, queries.length, static_cast<std::int32_t>(first)});
  }
}

inline bool sees(const Sight& sight, const SegmentTile& queries, const SegmentTile& keys) {
  return keys.first + keys.rows() > sight.begin(queries.first) &&
         keys.first < sight.end(queries.first + queries.rows() - 1, queries.length);
}

}  // namespace attune::cpu::ATTUNE_ISA
