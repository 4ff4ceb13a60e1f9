// attention_backward: dv = p^T do, ds = p (do v^T - delta), dq = scale ds k, dk = scale ds^T q, delta = rows
// of do . o. do, o, dq like q (T, heads * head_dim); dk, dv like k (T, kv_heads * head_dim), or packed in
// dq; lse f32 (T, heads). Needs q, k, v, o, lse of the forward; p = exp(score - lse) is made again tile by
// tile (FlashAttention-2).

#include "kernels/attention.h"
#include "kernels/cpu/attention_gradient.h"
#include "kernels/cpu/kernels.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels. Both ways add the same tiles in the same order, so they give the same bits.

/// All gradients of one segment and key head: five products for a pair of tiles.
template <class T>
void whole_segment(const GradientProblem<T>& problem, std::int32_t begin, std::int32_t length,
                   std::int64_t kv_head, const GradientArrays& s) {
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
void key_tile(const GradientProblem<T>& problem, const SegmentTile& keys, std::int64_t kv_head,
              const GradientArrays& s) {
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
void query_tile(const GradientProblem<T>& problem, const SegmentTile& queries, std::int64_t head,
                const GradientArrays& s) {
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

/// Whole segments cost five products for a pair of tiles instead of seven, but make few tasks and need dk and
/// dv of a segment per thread. They are right where there are two tasks per thread to balance, and for up to
/// 4 MiB each.
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
  lay_out_gradient_arrays(one, call.as<AttentionArguments>().head_dim, scratch.key_rows);
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
  const GradientProblem<T> problem{a,
                                   ProbabilityDropout(a, context.random),
                                   projections_of<const T>(a, call.inputs.subspan(1, 3)),
                                   projections_of<T>(a, call.outputs),
                                   call.inputs[0].as<const T>(),
                                   call.inputs[4].as<const T>(),
                                   call.inputs[5].as<const float>()};
  const auto arrays = [&](int thread) {
    Carver own(
        {scratch.threads + static_cast<std::size_t>(thread) * scratch.thread_bytes, scratch.thread_bytes});
    return lay_out_gradient_arrays(own, a.head_dim, scratch.key_rows);
  };
  if (choose(call, context.pool.threads()) == Cut::whole_segments) {
    context.pool.run(segments * a.kv_heads, [&](std::int64_t task, int thread) {
      const std::int64_t segment = task / a.kv_heads;
      whole_segment(problem, cu_seqlens[segment], cu_seqlens[segment + 1] - cu_seqlens[segment],
                    task % a.kv_heads, arrays(thread));
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
