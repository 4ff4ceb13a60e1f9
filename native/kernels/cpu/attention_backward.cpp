// attention_backward: dv = p^T do, ds = p (do v^T - delta), dq = scale ds k, dk = scale ds^T q, delta = rows of do . o.
// do, o, dq like q (T, heads * head_dim); dk, dv like k (T, kv_heads * head_dim), or dq = [dq | dk | dv]; lse f32 (T, heads).
// Needs q, k, v, o, lse of the forward; p = exp(score - lse) is made again tile by tile (FlashAttention-2).

#include <cstring>

#include "kernels/attention.h"
#include "kernels/cpu/attention_tiles.h"
#include "kernels/cpu/kernels.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels

/// Arrays of one thread; D is head_dim padded to whole vectors.
struct Arrays {
  float* q;        ///< (kTile, D) scaled
  float* qt;       ///< (head_dim, kTile)
  float* d_o;      ///< (kTile, D)
  float* d_ot;     ///< (head_dim, kTile)
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

Arrays lay_out_arrays(Carver& carver, std::int64_t head_dim, std::int64_t key_rows) {
  const std::int64_t d = padded(head_dim);
  Arrays s{};
  s.q = carver.take<float>(kTile * d);
  s.qt = carver.take<float>(kTile * head_dim);
  s.d_o = carver.take<float>(kTile * d);
  s.d_ot = carver.take<float>(kTile * head_dim);
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
struct Problem {
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
void prepare_queries(const Problem<T>& problem, const SegmentTile& tile, std::int64_t head, const Arrays& s) {
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
    s.delta[i] = i < rows ? sum_of(a.head_dim, [&](std::int64_t c, auto lanes) {
      return load(o + c, lanes) * load(d_o + c, lanes);
    }) : 0.0F;
  }
}

template <class T>
void prepare_keys(const Problem<T>& problem, const SegmentTile& tile, std::int64_t kv_head, const Arrays& s) {
  const std::int64_t row = tile.begin + tile.first;
  widen_rows(problem.in.k_head(kv_head).from(row), tile.rows(), problem.a.head_dim, 1.0F, s.k);
  widen_rows(problem.in.v_head(kv_head).from(row), tile.rows(), problem.a.head_dim, 1.0F, s.v);
}

/// From scores and do v^T to probabilities (with dropout) in p and the scores' gradient in ds.
inline void probabilities_and_gradients(const Arrays& s, std::int64_t lanes_of_queries, std::int64_t keys,
                                        const TileSight& sight, float softcap, bool dropout) {
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
      if (!sight.whole) p = TileSight::seen(lane_queries(i), sight.low(j), sight.high(j), p, zero());
      Vec dp = load(s.ds + at);
      Vec kept = p;
      if (dropout) {
        const Vec factor = load(s.factors + at);
        dp = dp * factor;
        kept = p * factor;
      }
      Vec ds = p * (dp - load(s.delta + i));
      if (softcap > 0.0F) ds = ds * slope;
      store(s.p + at, kept);
      store(s.ds + at, ds);
    }
  }
}

/// p and ds of a pair of tiles that are prepared.
template <class T>
void make_pair(const Problem<T>& problem, const SegmentTile& queries, const SegmentTile& keys, std::int64_t head,
               const Arrays& s) {
  const std::int64_t lanes_of_queries = padded(queries.rows());
  const TileSight sight(problem.sight(), queries.first, keys.first, queries.rows(), keys.rows());
  multiply_tile({s.k, problem.d(), 1, s.qt, kTile, s.p, kTile}, keys.rows(), lanes_of_queries, problem.a.head_dim);
  multiply_tile({s.v, problem.d(), 1, s.d_ot, kTile, s.ds, kTile}, keys.rows(), lanes_of_queries, problem.a.head_dim);
  if (problem.dropout.on) {
    problem.dropout.factors(queries.begin + queries.first, queries.rows(), head, keys.first, keys.rows(), s.factors);
  }
  probabilities_and_gradients(s, lanes_of_queries, keys.rows(), sight, problem.a.softcap, problem.dropout.on);
}

template <class T>
void add_key_gradients(const Problem<T>& problem, const SegmentTile& queries, const SegmentTile& keys, float* dk,
                       float* dv, const Arrays& s) {
  const std::int64_t d = problem.d();
  if (problem.out.v != nullptr) multiply_tile({s.p, kTile, 1, s.d_o, d, dv, d, true}, keys.rows(), d, queries.rows());
  if (problem.out.k != nullptr) multiply_tile({s.ds, kTile, 1, s.q, d, dk, d, true}, keys.rows(), d, queries.rows());
}

template <class T>
void add_query_gradient(const Problem<T>& problem, const SegmentTile& queries, const SegmentTile& keys,
                        const Arrays& s) {
  const std::int64_t d = problem.d();
  multiply_tile({s.ds, 1, kTile, s.k, d, s.dq, d, true}, queries.rows(), d, keys.rows());
}

inline void clear(float* values, std::int64_t n) { std::memset(values, 0, static_cast<std::size_t>(n) * sizeof(float)); }

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

// ---- tasks. Both ways add the same tiles in the same order, so they give the same bits.

/// All gradients of one segment and key head: five products for a pair of tiles.
template <class T>
void whole_segment(const Problem<T>& problem, std::int32_t begin, std::int32_t length, std::int64_t kv_head,
                   const Arrays& s) {
  const std::int64_t d = problem.d();
  clear(s.dk, length * d);
  clear(s.dv, length * d);
  for (std::int64_t head = kv_head * problem.in.group; head < (kv_head + 1) * problem.in.group; ++head) {
    for (std::int32_t first = 0; first < length; first += static_cast<std::int32_t>(kTile)) {
      const SegmentTile queries{begin, length, first};
      prepare_queries(problem, queries, head, s);
      clear(s.dq, queries.rows() * d);
      for_seen_keys(problem.sight(), queries, [&](const SegmentTile& keys) {
        prepare_keys(problem, keys, kv_head, s);
        make_pair(problem, queries, keys, head, s);
        add_key_gradients(problem, queries, keys, s.dk + keys.first * d, s.dv + keys.first * d, s);
        if (problem.out.q != nullptr) add_query_gradient(problem, queries, keys, s);
      });
      if (problem.out.q != nullptr) {
        write_rows(s.dq, queries.rows(), problem.a.head_dim, problem.a.scale,
                   problem.out.q_head(head).from(begin + first));
      }
    }
  }
  if (problem.out.k != nullptr) {
    write_rows(s.dk, length, problem.a.head_dim, 1.0F, problem.out.k_head(kv_head).from(begin));
  }
  if (problem.out.v != nullptr) {
    write_rows(s.dv, length, problem.a.head_dim, 1.0F, problem.out.v_head(kv_head).from(begin));
  }
}

template <class T>
void key_tile(const Problem<T>& problem, const SegmentTile& keys, std::int64_t kv_head, const Arrays& s) {
  clear(s.dk, keys.rows() * problem.d());
  clear(s.dv, keys.rows() * problem.d());
  prepare_keys(problem, keys, kv_head, s);
  for (std::int64_t head = kv_head * problem.in.group; head < (kv_head + 1) * problem.in.group; ++head) {
    for (std::int32_t first = 0; first < keys.length; first += static_cast<std::int32_t>(kTile)) {
      const SegmentTile queries{keys.begin, keys.length, first};
      if (!sees(problem.sight(), queries, keys)) continue;
      prepare_queries(problem, queries, head, s);
      make_pair(problem, queries, keys, head, s);
      add_key_gradients(problem, queries, keys, s.dk, s.dv, s);
    }
  }
  const std::int64_t row = keys.begin + keys.first;
  if (problem.out.k != nullptr) {
    write_rows(s.dk, keys.rows(), problem.a.head_dim, 1.0F, problem.out.k_head(kv_head).from(row));
  }
  if (problem.out.v != nullptr) {
    write_rows(s.dv, keys.rows(), problem.a.head_dim, 1.0F, problem.out.v_head(kv_head).from(row));
  }
}

template <class T>
void query_tile(const Problem<T>& problem, const SegmentTile& queries, std::int64_t head, const Arrays& s) {
  prepare_queries(problem, queries, head, s);
  clear(s.dq, queries.rows() * problem.d());
  for_seen_keys(problem.sight(), queries, [&](const SegmentTile& keys) {
    prepare_keys(problem, keys, head / problem.in.group, s);
    make_pair(problem, queries, keys, head, s);
    add_query_gradient(problem, queries, keys, s);
  });
  write_rows(s.dq, queries.rows(), problem.a.head_dim, problem.a.scale,
             problem.out.q_head(head).from(queries.begin + queries.first));
}

// ---- choose

enum class Cut { whole_segments, tiles };

/// Whole segments cost five products for a pair of tiles instead of seven, but make few tasks and need dk and dv of a
/// segment per thread. They are right where there are two tasks per thread to balance, and for up to 4 MiB each.
Cut choose(const KernelCall& call, int threads) {
  const auto& a = call.as<AttentionArguments>();
  const std::int64_t tasks = (call.inputs[6].shape.rows() - 1) * a.kv_heads;
  const std::int64_t bytes = call.inputs[0].shape.rows() * padded(a.head_dim) * 4;
  const bool fits = bytes <= (std::int64_t{4} << 20);
  return tasks >= 2 * threads && fits ? Cut::whole_segments : Cut::tiles;
}

// ---- launch

struct Scratch {
  SegmentTile* tiles;
  std::byte* threads;
  std::size_t thread_bytes;
  std::int64_t key_rows;
};
Scratch lay_out(Carver& carver, const KernelCall& call, int threads) {
  const std::int64_t rows = call.inputs[0].shape.rows();
  Scratch scratch{};
  scratch.tiles = carver.take<SegmentTile>(maximum_tiles(rows, call.inputs[6].shape.rows()));
  scratch.key_rows = choose(call, threads) == Cut::tiles ? kTile : rows;
  Carver one;
  lay_out_arrays(one, call.as<AttentionArguments>().head_dim, scratch.key_rows);
  scratch.thread_bytes = one.used();
  scratch.threads = carver.take<std::byte>(static_cast<std::int64_t>(one.used()) * threads);
  return scratch;
}
std::size_t scratch_of(const KernelCall& call, int threads) {
  Carver carver;
  lay_out(carver, call, threads);
  return carver.used();
}

template <class T>
void run_backward(KernelContext& context, const KernelCall& call) {
  const auto& a = call.as<AttentionArguments>();
  Carver carver(context.scratch);
  const Scratch scratch = lay_out(carver, call, context.pool.threads());
  const auto* cu_seqlens = call.inputs[6].as<const std::int32_t>();
  const std::int64_t segments = call.inputs[6].shape.rows() - 1;
  const Problem<T> problem{a,
                           ProbabilityDropout(a, context.random),
                           projections_of<const T>(a, call.inputs.subspan(1, 3)),
                           projections_of<T>(a, call.outputs),
                           call.inputs[0].as<const T>(),
                           call.inputs[4].as<const T>(),
                           call.inputs[5].as<const float>()};
  const auto arrays = [&](int thread) {
    Carver own({scratch.threads + static_cast<std::size_t>(thread) * scratch.thread_bytes, scratch.thread_bytes});
    return lay_out_arrays(own, a.head_dim, scratch.key_rows);
  };
  if (choose(call, context.pool.threads()) == Cut::whole_segments) {
    context.pool.run(segments * a.kv_heads, [&](std::int64_t task, int thread) {
      const std::int64_t segment = task / a.kv_heads;
      whole_segment(problem, cu_seqlens[segment], cu_seqlens[segment + 1] - cu_seqlens[segment], task % a.kv_heads,
                    arrays(thread));
    });
    return;
  }
  const std::int64_t tiles = list_tiles(cu_seqlens, segments, scratch.tiles);
  if (problem.out.k != nullptr || problem.out.v != nullptr) {
    context.pool.run(tiles * a.kv_heads, [&](std::int64_t task, int thread) {
      key_tile(problem, scratch.tiles[task / a.kv_heads], task % a.kv_heads, arrays(thread));
    });
  }
  if (problem.out.q != nullptr) {
    context.pool.run(tiles * a.heads, [&](std::int64_t task, int thread) {
      query_tile(problem, scratch.tiles[tiles - 1 - task / a.heads], task % a.heads, arrays(thread));
    });
  }
}

}  // namespace

void register_attention_backward(KernelTable& table) {
  table.add("attention_backward", DType::f32, {run_backward<float>, scratch_of});
  table.add("attention_backward", DType::bf16, {run_backward<bfloat16>, scratch_of});
}

}  // namespace attune::cpu::ATTUNE_ISA
