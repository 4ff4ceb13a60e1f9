// attention: o = softmax(mask(softcap(scale q k^T))) v per segment and head; lse = log of the sum of
// exponentials. q, o (T, heads * head_dim); k, v (T, kv_heads * head_dim), or packed in q; cu_seqlens i32
// (S + 1); lse f32 (T, heads). The backward needs q, k, v, o and lse. FlashAttention-2 (Dao 2023): no (T, T)
// matrix, only tiles.

#include "kernels/attention.h"

#include "kernels/cpu/attend_tile.h"
#include "kernels/cpu/kernels.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- launch

struct Scratch {
  SegmentTile* tiles;
  std::byte* threads;  ///< AttendScratch of thread t begins at threads + t * thread_bytes
  std::size_t thread_bytes;
};

Scratch lay_out(Carver& carver, const KernelCall& call, int threads) {
  const auto& a = call.as<AttentionArguments>();
  Scratch scratch{};
  scratch.tiles =
      carver.take<SegmentTile>(maximum_tiles(call.inputs[0].shape.rows(), call.inputs[3].shape.rows()));
  Carver one;
  lay_out_attend(one, a.head_dim);
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
void run_attention(KernelContext& context, const KernelCall& call) {
  const auto& a = call.as<AttentionArguments>();
  Carver carver(context.scratch);
  const Scratch scratch = lay_out(carver, call, context.pool.threads());
  const std::int64_t segments = call.inputs[3].shape.rows() - 1;
  const std::int64_t tiles = list_tiles(call.inputs[3].as<const std::int32_t>(), segments, scratch.tiles);
  const auto in = projections_of<const T>(a, call.inputs);
  const HeadRows<T> o{call.outputs[0].as<T>(), a.heads * a.head_dim};
  auto* const lse = has(call.outputs, 1) ? call.outputs[1].as<float>() : nullptr;
  const ProbabilityDropout dropout(a, context.random);

  context.pool.run(tiles * a.heads, [&](std::int64_t task, int thread) {
    // A segment's last tiles see the most keys: they go first, so that no long task is left for the end.
    const SegmentTile tile = scratch.tiles[tiles - 1 - task / a.heads];
    const std::int64_t head = task % a.heads;
    const std::int64_t row = tile.begin + tile.first;
    Carver own(
        {scratch.threads + static_cast<std::size_t>(thread) * scratch.thread_bytes, scratch.thread_bytes});
    attend_tile<T>(a, dropout, {row, head, tile.first, tile.rows(), tile.length}, in.q_head(head).from(row),
                   in.k_head(head / in.group).from(tile.begin), in.v_head(head / in.group).from(tile.begin),
                   HeadRows<T>{o.data + head * a.head_dim, o.stride}.from(row),
                   lse == nullptr ? nullptr : lse + row * a.heads + head, a.heads,
                   lay_out_attend(own, a.head_dim));
  });
}

}  // namespace

void register_attention(KernelTable& table) {
  table.add("attention", DType::f32, {run_attention<float>, scratch_of});
  table.add("attention", DType::bf16, {run_attention<bfloat16>, scratch_of});
}

}  // namespace attune::cpu::ATTUNE_ISA
