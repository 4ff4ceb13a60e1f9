#include "kernels/cuda/cached_attention.h"

#include "kernels/cuda/attention_call.h"

namespace attune::cuda {
namespace {

/// Tokens of a sequence, on average, up to which keys are split over blocks; above there are blocks enough,
/// each with a tile of queries.
constexpr std::int64_t kFewTokens = 4;
/// Blocks that fill any GPU several times, and keys for which another one is worth its start and its part of
/// o.
constexpr std::int64_t kDecodeBlocks = 1024;
constexpr std::int64_t kKeysOfSplit = 256;

struct Decode {
  std::int64_t row_tiles;
  std::int64_t splits;  ///< 0: the forward of attention serves
};

Decode choose(const KernelCall& call) {
  const auto& a = call.as<AttentionArguments>();
  const std::int64_t rows = call.inputs[0].shape.rows();
  const std::int64_t sequences = call.inputs[6].shape.rows();
  if (rows > kFewTokens * sequences) return {0, 0};
  const std::int64_t row_tiles = most_tiles(rows * (a.heads / a.kv_heads), sequences, kDecodeRows);
  const std::int64_t wanted = divide_up(kDecodeBlocks, std::max<std::int64_t>(1, row_tiles * a.kv_heads));
  return {row_tiles, std::clamp<std::int64_t>(divide_up(call.inputs[3].shape[1], kKeysOfSplit), 1, wanted)};
}

struct CachedScratch {
  BiasValues bias;
  float* o;                  ///< (splits, rows, heads, head_dim)
  PartialSoftmax* partials;  ///< (splits, rows, heads)

  CachedScratch(Scratch& scratch, const KernelCall& call, std::int64_t splits)
      : bias(scratch, call.as<AttentionArguments>(), call.inputs, 9, call.inputs[3].shape[1]) {
    const auto& a = call.as<AttentionArguments>();
    const std::int64_t parts = splits * call.inputs[0].shape.rows() * a.heads;
    o = scratch.take<float>(parts * a.head_dim);
    partials = scratch.take<PartialSoftmax>(parts);
  }
};

std::size_t scratch_of(const KernelCall& call, int /*threads*/) {
  Scratch scratch;
  static_cast<void>(CachedScratch(scratch, call, choose(call).splits));
  return scratch.bytes();
}

void append(KernelContext& context, const KernelCall& call, const Projections<const void>& in,
            const Segments& segments) {
  const auto& a = call.as<AttentionArguments>();
  const std::int64_t rows = call.inputs[a.packing == Packing::none ? 1 : 0].shape.rows();
  device_of(context).launch("cached_attention", entry("cache_append", call.inputs[0].dtype),
                            {.x = rows, .threads = kAppendThreads},
                            CacheAppend{.k = in.k,
                                        .v = in.v,
                                        .k_cache = call.inputs[3].data,
                                        .v_cache = call.inputs[4].data,
                                        .segments = segments,
                                        .columns = static_cast<int>(a.kv_heads * a.head_dim),
                                        .head_dim = static_cast<int>(a.head_dim)});
}

void decode(KernelContext& context, const KernelCall& call, const Decode& chosen,
            const AttentionDecode& arguments) {
  const DType dtype = call.inputs[0].dtype;
  const HeadCounts& counts = arguments.counts;
  const AttentionTiles tiles = decode_tiles(static_cast<int>(size_of(dtype)), padded_head(counts.head_dim));
  const std::string size = "attention_decode_" + std::to_string(padded_head(counts.head_dim));
  CudaDevice& device = device_of(context);
  device.launch(size.c_str(), entry(size.c_str(), dtype),
                {.x = chosen.row_tiles,
                 .y = counts.heads / counts.group,
                 .z = chosen.splits,
                 .threads = tiles.threads,
                 .shared_bytes = tiles.shared_bytes},
                arguments);
  const std::int64_t rows = arguments.rows * counts.heads;
  device.launch("cached_attention", entry("combine_partials", dtype),
                {.x = divide_up(rows, kCombineThreads / 32), .threads = kCombineThreads},
                CombinePartials{.o = arguments.o,
                                .partials = arguments.partials,
                                .to = call.outputs[0].data,
                                .rows = rows,
                                .splits = arguments.splits,
                                .head_dim = counts.head_dim});
}

void run_cached_attention(KernelContext& context, const KernelCall& call) {
  const auto& a = call.as<AttentionArguments>();
  const bool cross = has(call.inputs, 8);
  const Decode chosen = choose(call);
  Scratch scratch_memory(context.scratch.data());
  const CachedScratch scratch(scratch_memory, call, chosen.splits);
  scratch.bias.fill(device_of(context), a);
  const auto in = projections_of<const void>(a, call.inputs);
  const Segments segments{.queries = call.inputs[5].as<const std::int32_t>(),
                          .keys = call.inputs[cross ? 8 : 5].as<const std::int32_t>(),
                          .slots = call.inputs[6].as<const std::int32_t>(),
                          .lengths = call.inputs[7].as<const std::int32_t>(),
                          .capacity = call.inputs[3].shape[1],
                          .count = static_cast<int>(call.inputs[6].shape.rows()),
                          .queries_follow = !cross};
  append(context, call, in, segments);
  const auto k = side_by_side<const void>(call.inputs[3].data, a.kv_heads, a.head_dim);
  const auto v = side_by_side<const void>(call.inputs[4].data, a.kv_heads, a.head_dim);
  const ScoreRule rule = score_rule(a, device_of(context).random(), scratch.bias);
  const std::int64_t rows = call.inputs[0].shape.rows();
  if (chosen.splits > 0) {
    decode(context, call, chosen,
           {.q = in.q,
            .k = k,
            .v = v,
            .o = scratch.o,
            .partials = scratch.partials,
            .rows = rows,
            .splits = static_cast<int>(chosen.splits),
            .segments = segments,
            .rule = rule,
            .counts = head_counts(a)});
  } else {
    launch_forward(context,
                   {.q = in.q,
                    .k = k,
                    .v = v,
                    .o = side_by_side(call.outputs[0].data, a.heads, a.head_dim),
                    .lse = nullptr,
                    .segments = segments,
                    .rule = rule,
                    .counts = head_counts(a)},
                   call.inputs[0].dtype, rows);
  }
}

}  // namespace

void register_cached_attention(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    table.add("cached_attention", dtype, {run_cached_attention, scratch_of, check_head_size});
  }
}

}  // namespace attune::cuda
