// attention_backward: dv = p^T do, ds = p (do v^T - delta), dq = scale ds k, dk = scale ds^T q, delta = rows
// of do . o, dbias_table = sums of ds by bucket. do, o, dq like q (T, heads * head_dim); dk, dv like k (rows
// of keys, kv_heads * head_dim), or packed in dq; lse f32 (T, heads); bias_table (buckets, heads); query_rows
// i32 (R), the rows that q, o and lse have alone. Needs q, k, v, o, lse of the forward; p = exp(score - lse)
// is made again tile by tile (FlashAttention-2).

#include "kernels/attention.h"
#include "kernels/cpu/attention_gradient.h"
#include "kernels/cpu/kernels.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels. Both ways add the same tiles in the same order, so they give the same bits.

/// All gradients of one segment and key head: five products for a pair of tiles.
template <class T>
void whole_segment(const GradientProblem<T>& problem, std::int64_t segment, std::int64_t kv_head,
                   const GradientArrays& s) {
  const std::int64_t step = problem.step();
  const std::int64_t begin = problem.keys.starts[segment];
  const std::int64_t length = problem.keys.length(segment);
  clear(s.dk, length * step);
  clear(s.dv, length * step);
  for (std::int64_t head = kv_head * problem.in.group; head < (kv_head + 1) * problem.in.group; ++head) {
    for (std::int64_t first = 0; first < problem.queries.segments.length(segment); first += kTile) {
      const QueryTile queries = problem.with_positions(problem.queries.segments.tile(segment, first), s);
      prepare_queries(problem, queries, head, s);
      clear(s.dq, queries.rows() * step);
      for_seen_keys(problem, queries, [&](const SegmentTile& keys) {
        prepare_keys(problem, keys, kv_head, s);
        make_pair(problem, queries, keys, head, problem.d_bias_of(queries, head), s,
                  keys_after(problem, queries, keys, kv_head));
        add_key_gradients(problem, queries, keys, s.dk + keys.first * step, s.dv + keys.first * step, s);
        if (problem.out.q != nullptr) add_query_gradient(problem, queries, keys, s);
      });
      if (problem.out.q != nullptr) {
        write_rows(s.dq, queries.rows(), problem.a.head_dim, problem.a.scale,
                   problem.out.q_head(head).from(queries.row()));
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
  clear(s.dk, keys.rows() * problem.step());
  clear(s.dv, keys.rows() * problem.step());
  prepare_keys(problem, keys, kv_head, s);
  for (std::int64_t head = kv_head * problem.in.group; head < (kv_head + 1) * problem.in.group; ++head) {
    for (std::int64_t first = 0; first < problem.queries.segments.length(keys.segment); first += kTile) {
      const QueryTile queries = problem.with_positions(problem.queries.segments.tile(keys.segment, first), s);
      if (!sees(problem.sight(), queries.positions, keys)) continue;
      prepare_queries(problem, queries, head, s);
      make_pair(problem, queries, keys, head, nullptr, s, {});
      add_key_gradients(problem, queries, keys, s.dk, s.dv, s);
    }
  }
  const std::int64_t row = keys.row();
  if (problem.out.k != nullptr) {
    write_rows(s.dk, keys.rows(), problem.a.head_dim, 1.0F, problem.out.k_head(kv_head).from(row));
  }
  if (problem.out.v != nullptr) {
    write_rows(s.dv, keys.rows(), problem.a.head_dim, 1.0F, problem.out.v_head(kv_head).from(row));
  }
}

template <class T>
void query_tile(const GradientProblem<T>& problem, const SegmentTile& tile, std::int64_t head,
                const GradientArrays& s) {
  const QueryTile queries = problem.with_positions(tile, s);
  prepare_queries(problem, queries, head, s);
  clear(s.dq, queries.rows() * problem.step());
  for_seen_keys(problem, queries, [&](const SegmentTile& keys) {
    const std::int64_t kv_head = head / problem.in.group;
    prepare_keys(problem, keys, kv_head, s);
    make_pair(problem, queries, keys, head, problem.d_bias_of(queries, head), s,
              keys_after(problem, queries, keys, kv_head));
    if (problem.out.q != nullptr) add_query_gradient(problem, queries, keys, s);
  });
  if (problem.out.q != nullptr) {
    write_rows(s.dq, queries.rows(), problem.a.head_dim, problem.a.scale,
               problem.out.q_head(head).from(queries.row()));
  }
}

/// What the tiles of queries summed for one head, into dbias_table (buckets, heads).
void sum_bias_gradient(const float* parts, std::int64_t tiles, std::int64_t buckets, std::int64_t heads,
                       std::int64_t head, const TensorView& out) {
  auto* const to = out.as<float>() + head;
  for_vectors(buckets, [&](std::int64_t b, auto lanes) {
    Vec sum = zero();
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
      sum = sum + load(parts + (tile * heads + head) * buckets + b, lanes);
    }
    alignas(64) float sums[Vec::kWidth];
    store(sums, sum);
    for (std::int64_t lane = 0; lane < minimum(Vec::kWidth, buckets - b); ++lane) {
      float& place = to[(b + lane) * heads];
      place = out.accumulate ? place + sums[lane] : sums[lane];
    }
  });
}

// ---- choose

/// Rows of k and v.
std::int64_t key_rows(const KernelCall& call) {
  return call.inputs[call.as<AttentionArguments>().packing == Packing::none ? 2 : 1].shape.rows();
}

enum class Cut { whole_segments, tiles };

/// Whole segments cost five products for a pair of tiles instead of seven, but make few tasks, so that
/// threads may wait for the last, and need dk and dv of a segment per thread: up to 4 MiB each.
Cut choose(const KernelCall& call, int threads) {
  const auto& a = call.as<AttentionArguments>();
  const std::int64_t tasks = (call.inputs[6].shape.rows() - 1) * a.kv_heads;
  const std::int64_t bytes = key_rows(call) * tile_step(a.head_dim) * 4;
  const bool fits = bytes <= (std::int64_t{4} << 20);
  return fits && 5 * divide_up(tasks, threads) * threads <= 7 * tasks ? Cut::whole_segments : Cut::tiles;
}

// ---- launch

/// Place of dbias_table among the outputs: last.
std::size_t bias_output(const AttentionArguments& a) { return a.packing == Packing::none ? 3 : 1; }

struct Scratch {
  SegmentTile* query_tiles;
  SegmentTile* key_tiles;
  std::int32_t* query_starts;
  RelativeBias bias;
  std::int64_t bias_parts;  ///< tiles of queries that sum a part of dbias_table, 0 if it is not asked for
  float* d_bias;            ///< (bias_parts, heads, buckets)
  PerThread<GradientArrays> threads;

  Scratch(Carver& carver, const KernelCall& call, int thread_count)
      : query_tiles(carver.take<SegmentTile>(most_query_tiles(call))),
        key_tiles(carver.take<SegmentTile>(maximum_tiles(key_rows(call), call.inputs[6].shape.rows()))),
        query_starts(carver.take<std::int32_t>(has(call.inputs, 9) ? call.inputs[6].shape.rows() : 0)),
        bias(carver, call.as<AttentionArguments>(), call.inputs, 8,
             maximum(call.inputs[1].shape.rows(), key_rows(call))),
        bias_parts(wants_bias(call) ? most_query_tiles(call) : 0),
        d_bias(carver.take<float>(bias.on() ? bias_parts * call.inputs[8].shape.elements() : 0)),
        threads(carver, thread_count,
                {call.as<AttentionArguments>().head_dim,
                 choose(call, thread_count) == Cut::tiles ? kTile : key_rows(call)}) {}

  static std::int64_t most_query_tiles(const KernelCall& call) {
    return maximum_tiles(call.inputs[1].shape.rows(), call.inputs[6].shape.rows());
  }
  static bool wants_bias(const KernelCall& call) {
    const auto& a = call.as<AttentionArguments>();
    return a.bias_gradient && has(call.outputs, bias_output(a));
  }
};

std::size_t scratch_of(const KernelCall& call, int threads) {
  Carver carver;
  const Scratch counted(carver, call, threads);
  return carver.used();
}

template <class T>
void run_tiles(ThreadPool& pool, const GradientProblem<T>& problem, const Scratch& scratch) {
  const AttentionArguments& a = problem.a;
  if (problem.out.k != nullptr || problem.out.v != nullptr) {
    const std::int64_t tiles = problem.keys.list_tiles(scratch.key_tiles);
    pool.run(tiles * a.kv_heads, [&](std::int64_t task, int thread) {
      key_tile(problem, scratch.key_tiles[task / a.kv_heads], task % a.kv_heads, scratch.threads.of(thread));
    });
  }
  if (problem.out.q != nullptr || problem.d_bias != nullptr) {
    const std::int64_t tiles = problem.queries.segments.list_tiles(scratch.query_tiles);
    pool.run(tiles * a.heads, [&](std::int64_t task, int thread) {
      const auto [tile, head] = HeadTile::of_task(scratch.query_tiles, a.heads, task);
      query_tile(problem, tile, head, scratch.threads.of(thread));
    });
  }
}

template <class T>
void run_backward(KernelContext& context, const KernelCall& call) {
  const auto& a = call.as<AttentionArguments>();
  Carver carver(context.scratch);
  const Scratch scratch(carver, call, context.pool.threads());
  scratch.bias.fill(a);
  const std::size_t bias_place = bias_output(a);
  GradientProblem<T> problem{
      a,
      ProbabilityDropout(a, context.random),
      projections_of<const T>(a, call.inputs.subspan(1, 3)),
      projections_of<T>(a, call.outputs),
      call.inputs[0].as<const T>(),
      call.inputs[4].as<const T>(),
      call.inputs[5].as<const float>(),
      QueryRows(call.inputs[6], has(call.inputs, 9) ? &call.inputs[9] : nullptr, scratch.query_starts),
      Segments(call.inputs[has(call.inputs, 7) ? 7 : 6]),
      scratch.bias};
  if (scratch.bias_parts > 0) {
    problem.d_bias = scratch.d_bias;
    clear(scratch.d_bias, scratch.bias_parts * a.heads * problem.buckets());
  }
  if (choose(call, context.pool.threads()) == Cut::whole_segments) {
    context.pool.run(problem.queries.segments.count * a.kv_heads, [&](std::int64_t task, int thread) {
      whole_segment(problem, task / a.kv_heads, task % a.kv_heads, scratch.threads.of(thread));
    });
  } else {
    run_tiles(context.pool, problem, scratch);
  }
  if (scratch.bias_parts > 0) {
    context.pool.run(a.heads, [&](std::int64_t head, int) {
      sum_bias_gradient(scratch.d_bias, scratch.bias_parts, problem.buckets(), a.heads, head,
                        call.outputs[bias_place]);
    });
  }
}

}  // namespace

void register_attention_backward(KernelTable& table) {
  table.add("attention_backward", DType::f32, {run_backward<float>, scratch_of});
  table.add("attention_backward", DType::bf16, {run_backward<bfloat16>, scratch_of});
}

}  // namespace attune::cpu::ATTUNE_ISA
