#pragma once

// The steps of attention_backward on one pair of tiles, which its two ways of cutting the work share.

#include <cstring>

#include "kernels/cpu/relative_bias.h"

namespace attune::cpu::ATTUNE_ISA {

/// Of one thread; D is head_dim padded to whole vectors. Rows are a tile_step of their lanes apart.
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
  float* bias;    ///< (2 kTile) diagonals
  float* d_bias;  ///< like bias: their gradient
  float* lanes;   ///< (kTile) positions of queries that do not follow one another

  struct Size {
    std::int64_t head_dim;
    std::int64_t key_rows;
  };
  GradientArrays(Carver& carver, const Size& size) {
    const std::int64_t d = padded(size.head_dim);
    const std::int64_t step = tile_step(size.head_dim);
    q = carver.take<float>(kTile * step);
    qt = carver.take<float>(d * kTileStep);
    d_o = carver.take<float>(kTile * step);
    d_ot = carver.take<float>(d * kTileStep);
    k = carver.take<float>(kTile * step);
    v = carver.take<float>(kTile * step);
    p = carver.take<float>(kTile * kTileStep);
    ds = carver.take<float>(kTile * kTileStep);
    factors = carver.take<float>(kTile * kTileStep);
    lse = carver.take<float>(kTile);
    delta = carver.take<float>(kTile);
    dq = carver.take<float>(kTile * step);
    dk = carver.take<float>(size.key_rows * step);
    dv = carver.take<float>(size.key_rows * step);
    bias = carver.take<float>(2 * kTile);
    d_bias = carver.take<float>(2 * kTile);
    lanes = carver.take<float>(kTile);
  }
};

inline void clear(float* values, std::int64_t n) {
  std::memset(values, 0, static_cast<std::size_t>(n) * sizeof(float));
}

/// A tile of queries, and where they are among the keys.
struct QueryTile : SegmentTile {
  TilePositions positions;
};

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
  QueryRows queries;
  Segments keys;
  RelativeBias bias;
  /// (numbers of query tiles, heads, buckets): each tile of queries sums its own, so that the order of the
  /// sum is the same for any cut of the work. nullptr: not asked for.
  float* d_bias = nullptr;
  [[nodiscard]] Sight sight() const { return {a.causal, a.window}; }
  [[nodiscard]] std::int64_t d() const { return padded(a.head_dim); }
  [[nodiscard]] std::int64_t step() const { return tile_step(a.head_dim); }
  [[nodiscard]] QueryTile with_positions(const SegmentTile& tile, const GradientArrays& s) const {
    return {tile, queries.positions(tile, s.lanes)};
  }
  [[nodiscard]] std::int64_t buckets() const { return bias.on() ? bias.table->shape[0] : 0; }
  [[nodiscard]] float* d_bias_of(const SegmentTile& tile, std::int64_t head) const {
    return d_bias == nullptr ? nullptr : d_bias + (tile.number() * a.heads + head) * buckets();
  }
};

template <class T>
void prepare_queries(const GradientProblem<T>& problem, const SegmentTile& tile, std::int64_t head,
                     const GradientArrays& s) {
  const AttentionArguments& a = problem.a;
  const std::int64_t row = tile.row();
  const std::int64_t rows = tile.rows();
  const std::int64_t stride = a.heads * a.head_dim;
  const std::int64_t at = row * stride + head * a.head_dim;
  widen_and_transpose(problem.in.q_head(head).from(row), rows, a.head_dim, a.scale, s.q, s.qt);
  widen_and_transpose(HeadRows<const T>{problem.d_o + at, stride}, rows, a.head_dim, 1.0F, s.d_o, s.d_ot);
  for (std::int64_t i = 0; i < padded(rows); ++i) {
    const T* const o = problem.o + at + i * stride;
    const float* const d_o = s.d_o + i * problem.step();
    // Infinity: the probabilities of lanes without a query are 0.
    s.lse[i] = i < rows ? problem.lse[(row + i) * a.heads + head] : -kMinusInfinity;
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
  const std::int64_t row = tile.row();
  widen_rows(problem.in.k_head(kv_head).from(row), tile.rows(), problem.a.head_dim, 1.0F, s.k);
  widen_rows(problem.in.v_head(kv_head).from(row), tile.rows(), problem.a.head_dim, 1.0F, s.v);
}

/// Which parts of the score there are, beside the product.
struct ScoreTerms {
  float softcap;
  bool dropout;
  bool bias;           ///< s.bias holds its diagonals
  bool bias_gradient;  ///< is added to s.d_bias
};

/// From scores and do v^T to probabilities (with dropout) in p and the scores' gradient in ds.
inline void probabilities_and_gradients(const GradientArrays& s, std::int64_t lanes_of_queries,
                                        std::int64_t keys, const TileSight& sight, const ScoreTerms& terms,
                                        const ComingRows& coming) {
  const float softcap = terms.softcap;
  const Vec cap = broadcast(softcap);
  const Vec inverse_cap = broadcast(softcap > 0.0F ? 1.0F / softcap : 0.0F);
  // Queries outside: what belongs to them stays in registers.
  for (std::int64_t i = 0; i < lanes_of_queries; i += Vec::kWidth) {
    for (std::int64_t j = 0; j < keys; ++j) {
      coming.bring(j, i / Vec::kWidth, lanes_of_queries / Vec::kWidth);
      const std::int64_t at = j * kTileStep + i;
      Vec score = load(s.p + at);
      Vec slope = broadcast(1.0F);
      if (softcap > 0.0F) {
        const Vec t = tanh(score * inverse_cap);
        score = cap * t;
        slope = fnma(t, t, slope);
      }
      if (terms.bias) score = score + load(s.bias + BiasDiagonals::entry(i, j));
      // Below 0 but for rounding; where nothing is seen anything may come out.
      Vec p = exp_of_nonpositive(score - load(s.lse + i));
      Vec dp = load(s.ds + at);
      if (!sight.whole) p = TileSight::seen(sight.queries(i), sight.low(j), sight.high(j), p, zero());
      Vec kept = p;
      if (terms.dropout) {
        const Vec factor = load(s.factors + at);
        dp = dp * factor;
        kept = p * factor;
      }
      Vec ds = p * (dp - load(s.delta + i));
      if (terms.bias_gradient) {
        float* const sum = s.d_bias + BiasDiagonals::entry(i, j);
        const Vec seen =
            sight.whole ? ds : TileSight::seen(sight.queries(i), sight.low(j), sight.high(j), ds, zero());
        store(sum, load(sum) + seen);
      }
      if (softcap > 0.0F) ds = ds * slope;
      // What is not seen was not computed: anything may lie there, and 0 times it need not be 0.
      if (!sight.whole) ds = TileSight::seen(sight.queries(i), sight.low(j), sight.high(j), ds, zero());
      store(s.p + at, kept);
      store(s.ds + at, ds);
    }
  }
}

template <class T>
TileSight sight_of(const GradientProblem<T>& problem, const QueryTile& queries, const SegmentTile& keys) {
  return {problem.sight(), queries.positions, keys.first, keys.rows()};
}

/// p and ds of a pair of tiles that are prepared. `d_bias`: sums by bucket, or nullptr.
template <class T>
void make_pair(const GradientProblem<T>& problem, const QueryTile& queries, const SegmentTile& keys,
               std::int64_t head, float* d_bias, const GradientArrays& s, const ComingRows& coming) {
  const std::int64_t lanes_of_queries = padded(queries.rows());
  const std::int64_t head_dim = problem.a.head_dim;
  const TileSight sight = sight_of(problem, queries, keys);
  const QueryLanes lanes{0, lanes_of_queries};
  multiply_by_transposed(s.k, s.qt, keys.rows(), lanes, head_dim, sight, s.p);
  multiply_by_transposed(s.v, s.d_ot, keys.rows(), lanes, head_dim, sight, s.ds);
  if (problem.dropout.on) {
    problem.dropout.factors(queries.row(), queries.rows(), head, keys.first, keys.rows(), s.factors);
  }
  const BiasDiagonals diagonals{keys.first - queries.first};
  if (problem.bias.on()) diagonals.take(problem.bias, head, s.bias);
  if (d_bias != nullptr) clear(s.d_bias, 2 * kTile);
  probabilities_and_gradients(s, lanes_of_queries, keys.rows(), sight,
                              {problem.a.softcap, problem.dropout.on, problem.bias.on(), d_bias != nullptr},
                              coming);
  if (d_bias != nullptr) diagonals.add_to_buckets(problem.bias, s.d_bias, d_bias);
}

template <class T>
void add_key_gradients(const GradientProblem<T>& problem, const QueryTile& queries, const SegmentTile& keys,
                       float* dk, float* dv, const GradientArrays& s) {
  const std::int64_t d = problem.d();
  const Band band = sight_of(problem, queries, keys).queries_of_keys();
  const auto add = [&](const float* left, const float* right, float* sum) {
    multiply_tile({.a = left,
                   .row_step = kTileStep,
                   .depth_step = 1,
                   .b = right,
                   .b_step = problem.step(),
                   .c = sum,
                   .c_step = problem.step(),
                   .accumulate = true,
                   .depth_band = band},
                  keys.rows(), d, queries.rows());
  };
  if (problem.out.v != nullptr) add(s.p, s.d_o, dv);
  if (problem.out.k != nullptr) add(s.ds, s.q, dk);
}

template <class T>
void add_query_gradient(const GradientProblem<T>& problem, const QueryTile& queries, const SegmentTile& keys,
                        const GradientArrays& s) {
  const std::int64_t d = problem.d();
  multiply_tile({.a = s.ds,
                 .row_step = 1,
                 .depth_step = kTileStep,
                 .b = s.k,
                 .b_step = problem.step(),
                 .c = s.dq,
                 .c_step = problem.step(),
                 .accumulate = true,
                 .depth_band = sight_of(problem, queries, keys).keys_of_queries()},
                queries.rows(), d, keys.rows());
}

/// from (rows, D) times `scale` into a head's rows, rounded once.
template <class T>
void write_rows(const float* from, std::int64_t rows, std::int64_t head_dim, float scale, HeadRows<T> to) {
  const Vec factor = broadcast(scale);
  for (std::int64_t r = 0; r < rows; ++r) {
    to.ask_ahead(r, head_dim);
    for_vectors(head_dim, [&](std::int64_t c, auto lanes) {
      store(to.data + r * to.stride + c, load(from + r * tile_step(head_dim) + c) * factor, lanes);
    });
  }
}

/// Keys and values of the tile after this one, if the tile of queries sees it.
template <class T>
ComingRows keys_after(const GradientProblem<T>& problem, const QueryTile& queries, const SegmentTile& keys,
                      std::int64_t kv_head) {
  const std::int64_t next = keys.first + kTile;
  if (next >= problem.sight().end(queries.positions.last, keys.length)) return {};
  const std::int64_t row = keys.begin + next;
  return {problem.in.k_head(kv_head).from(row), problem.in.v_head(kv_head).from(row), problem.a.head_dim};
}

/// body(tile) for the tiles of keys that a tile of queries sees, in order.
template <class T, class Body>
ATTUNE_INLINE void for_seen_keys(const GradientProblem<T>& problem, const QueryTile& queries,
                                 const Body& body) {
  const Sight sight = problem.sight();
  const std::int64_t length = problem.keys.length(queries.segment);
  const std::int64_t end = sight.end(queries.positions.last, length);
  for (std::int64_t first = sight.begin(queries.positions.first) / kTile * kTile; first < end;
       first += kTile) {
    body(problem.keys.tile(queries.segment, first));
  }
}

inline bool sees(const Sight& sight, const TilePositions& queries, const SegmentTile& keys) {
  return keys.first + keys.rows() > sight.begin(queries.first) &&
         keys.first < sight.end(queries.last, keys.length);
}

}  // namespace attune::cpu::ATTUNE_ISA
