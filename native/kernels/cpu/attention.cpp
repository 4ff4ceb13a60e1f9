// attention: o = softmax(mask(softcap(scale q k^T) + bias)) v per segment and head; lse = log of the sum of
// exponentials. q, o (T, heads * head_dim); k, v (T, kv_heads * head_dim), or packed in q; cu_seqlens and,
// for keys with rows of their own, kv_cu_seqlens i32 (S + 1); bias_table (buckets, heads); query_rows i32
// (R), the rows that q and o have alone; lse f32 (T, heads). The backward needs q, k, v, o and lse.
// FlashAttention-2 (Dao 2023): no (T, T) matrix, only tiles.

#include "kernels/attention.h"

#include "kernels/cpu/attend_tile.h"
#include "kernels/cpu/kernels.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- choose

/// Tiles of queries that a task takes: fewer where threads would wait for the last task.
std::int64_t choose_together(const KernelCall& call, int threads) {
  const std::int64_t tiles = divide_up(call.inputs[0].shape.rows(), kTile);
  const std::int64_t tasks = tiles * call.as<AttentionArguments>().heads;
  std::int64_t together = kTilesTogether;
  while (together > 1 && tasks / together < 4 * threads) together /= 2;
  return together;
}

// ---- launch

struct Scratch {
  SegmentTile* tiles;
  std::int32_t* query_starts;
  RelativeBias bias;
  PerThread<AttendArrays> threads;

  Scratch(Carver& carver, const KernelCall& call, int thread_count)
      : tiles(carver.take<SegmentTile>(
            maximum_tiles(call.inputs[0].shape.rows(), call.inputs[3].shape.rows()))),
        query_starts(carver.take<std::int32_t>(has(call.inputs, 6) ? call.inputs[3].shape.rows() : 0)),
        bias(carver, call.as<AttentionArguments>(), call.inputs, 5, longest(call)),
        threads(carver, thread_count, call.as<AttentionArguments>().head_dim) {}

  static std::int64_t longest(const KernelCall& call) {
    const std::int64_t queries = call.inputs[0].shape.rows();
    return has(call.inputs, 1) ? maximum(queries, call.inputs[1].shape.rows()) : queries;
  }
};

std::size_t scratch_of(const KernelCall& call, int threads) {
  Carver carver;
  const Scratch counted(carver, call, threads);
  return carver.used();
}

template <class T>
void run_attention(KernelContext& context, const KernelCall& call) {
  const auto& a = call.as<AttentionArguments>();
  Carver carver(context.scratch);
  const Scratch scratch(carver, call, context.pool.threads());
  const QueryRows queries(call.inputs[3], has(call.inputs, 6) ? &call.inputs[6] : nullptr,
                          scratch.query_starts);
  const Segments keys(call.inputs[has(call.inputs, 4) ? 4 : 3]);
  scratch.bias.fill(a);
  const auto in = projections_of<const T>(a, call.inputs);
  const HeadRows<T> o{call.outputs[0].as<T>(), a.heads * a.head_dim};
  auto* const lse = has(call.outputs, 1) ? call.outputs[1].as<float>() : nullptr;
  const ProbabilityDropout dropout(a, context.random);
  const std::int64_t together = choose_together(call, context.pool.threads());
  const std::int64_t groups = queries.segments.list_tiles(scratch.tiles, together);

  context.pool.run(groups * a.heads, [&](std::int64_t number, int thread) {
    const auto [leader, head] = HeadTile::of_task(scratch.tiles, a.heads, number, together);
    const std::int64_t key_row = keys.starts[leader.segment];
    const AttendArrays arrays = scratch.threads.of(thread);
    AttendTask<T> tasks[kTilesTogether];
    std::int64_t count = 0;
    for (; count < together && leader.first + count * kTile < leader.length; ++count) {
      const SegmentTile tile = queries.segments.tile(leader.segment, leader.first + count * kTile);
      const std::int64_t row = tile.row();
      tasks[count] = {in.q_head(head).from(row),
                      HeadRows<T>{o.data + head * a.head_dim, o.stride}.from(row),
                      lse == nullptr ? nullptr : lse + row * a.heads + head,
                      row,
                      tile.rows(),
                      queries.positions(tile, arrays.tiles[count].lanes)};
    }
    attend_tiles<T>({a, dropout, scratch.bias, head, in.k_head(head / in.group).from(key_row),
                     in.v_head(head / in.group).from(key_row), keys.length(leader.segment), a.heads},
                    tasks, count, arrays);
  });
}

}  // namespace

void register_attention(KernelTable& table) {
  table.add("attention", DType::f32, {run_attention<float>, scratch_of});
  table.add("attention", DType::bf16, {run_attention<bfloat16>, scratch_of});
}

}  // namespace attune::cpu::ATTUNE_ISA
