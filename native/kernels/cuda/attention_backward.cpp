#include "kernels/cuda/attention_call.h"

namespace attune::cuda {
namespace {

/// Rows of k and v.
std::int64_t key_rows(const KernelCall& call) {
  return call.inputs[call.as<AttentionArguments>().packing == Packing::none ? 2 : 1].shape.rows();
}

/// Place of dbias_table among the outputs: last.
std::size_t bias_output(const AttentionArguments& a) { return a.packing == Packing::none ? 3 : 1; }

bool wants_bias(const KernelCall& call) {
  const auto& a = call.as<AttentionArguments>();
  return a.bias_gradient && has(call.outputs, bias_output(a));
}

struct Sizes {
  std::int64_t queries;
  std::int64_t keys;
  std::int64_t segments;
  int element_bytes;
  int head;  ///< padded

  explicit Sizes(const KernelCall& call)
      : queries(call.inputs[1].shape.rows()),
        keys(key_rows(call)),
        segments(call.inputs[6].shape.rows() - 1),
        element_bytes(static_cast<int>(size_of(call.inputs[1].dtype))),
        head(padded_head(call.as<AttentionArguments>().head_dim)) {}

  [[nodiscard]] AttentionTiles tiles(bool d_bias) const {
    return backward_tiles(element_bytes, head, d_bias);
  }
  [[nodiscard]] std::int64_t query_tiles() const { return most_tiles(queries, segments, tiles(false).rows); }
  [[nodiscard]] std::int64_t key_tiles() const { return most_tiles(keys, segments, tiles(false).rows); }
};

struct BackwardScratch {
  BiasValues bias;
  SegmentInputs segments;
  RowStatistics* statistics;  ///< (heads, rows of queries)
  float* d_bias;              ///< (tiles of queries, buckets, heads)

  BackwardScratch(Scratch& scratch, const KernelCall& call, const Sizes& sizes)
      : bias(scratch, call.as<AttentionArguments>(), call.inputs, 8, std::max(sizes.queries, sizes.keys)),
        segments(scratch, call.inputs, 6),
        statistics(scratch.take<RowStatistics>(call.as<AttentionArguments>().heads * sizes.queries)),
        d_bias(wants_bias(call) ? scratch.take<float>(sizes.query_tiles() * call.inputs[8].shape.elements())
                                : nullptr) {}
};

std::size_t scratch_of(const KernelCall& call, int /*threads*/) {
  Scratch scratch;
  static_cast<void>(BackwardScratch(scratch, call, Sizes(call)));
  return scratch.bytes();
}

AttentionBackward arguments_of(KernelContext& context, const KernelCall& call, const Sizes& sizes,
                               const BackwardScratch& scratch) {
  const auto& a = call.as<AttentionArguments>();
  CudaDevice& device = device_of(context);
  const auto in = projections_of<const void>(a, call.inputs.subspan(1, 3));
  const auto out = projections_of<void>(a, call.outputs);
  return {.q = in.q,
          .k = in.k,
          .v = in.v,
          .d_o = side_by_side<const void>(call.inputs[0].data, a.heads, a.head_dim),
          .statistics = scratch.statistics,
          .dq = out.q,
          .dk = out.k,
          .dv = out.v,
          .d_bias = scratch.d_bias,
          .buckets = scratch.bias.buckets_on(device, a),
          .bucket_count = wants_bias(call) ? static_cast<int>(call.inputs[8].shape[0]) : 0,
          .rows = sizes.queries,
          .segments = scratch.segments.on(device),
          .rule = score_rule(a, device.random(), scratch.bias),
          .counts = head_counts(a)};
}

void launch_statistics(KernelContext& context, const KernelCall& call, const AttentionBackward& arguments,
                       RowStatistics* statistics) {
  const auto& a = call.as<AttentionArguments>();
  device_of(context).launch(
      "attention_statistics", entry("attention_statistics", call.inputs[1].dtype),
      {.x = divide_up(arguments.rows * a.heads * kStatisticsLanes, kStatisticsThreads),
       .threads = kStatisticsThreads},
      AttentionStatistics{.d_o = arguments.d_o,
                          .o = side_by_side<const void>(call.inputs[4].data, a.heads, a.head_dim),
                          .lse = call.inputs[5].as<const float>(),
                          .statistics = statistics,
                          .rows = arguments.rows,
                          .counts = arguments.counts});
}

void launch_key_gradients(KernelContext& context, const AttentionBackward& arguments, const Sizes& sizes,
                          DType dtype) {
  const AttentionTiles tiles = sizes.tiles(false);
  const CudaGrid grid{.x = sizes.key_tiles(),
                      .y = arguments.counts.heads / arguments.counts.group,
                      .threads = tiles.threads,
                      .shared_bytes = tiles.shared_bytes};
  const auto launch = [&](const char* name) { launch_attention(context, name, dtype, grid, arguments); };
  const bool keys = arguments.dk.data != nullptr;
  const bool values = arguments.dv.data != nullptr;
  if (keys_and_values_together(sizes.head)) {
    if (keys || values) launch("attention_key_value_gradient");
    return;
  }
  if (keys) launch("attention_key_gradient");
  if (values) launch("attention_value_gradient");
}

void run_backward(KernelContext& context, const KernelCall& call) {
  const auto& a = call.as<AttentionArguments>();
  const Sizes sizes(call);
  Scratch scratch_memory(context.scratch.data());
  const BackwardScratch scratch(scratch_memory, call, sizes);
  scratch.bias.fill(device_of(context), a);
  const AttentionBackward arguments = arguments_of(context, call, sizes, scratch);
  const DType dtype = call.inputs[1].dtype;
  launch_statistics(context, call, arguments, scratch.statistics);
  launch_key_gradients(context, arguments, sizes, dtype);
  const bool d_bias = arguments.d_bias != nullptr;
  if (arguments.dq.data != nullptr || d_bias) {
    const AttentionTiles tiles = sizes.tiles(d_bias);
    launch_attention(context, "attention_query_gradient", dtype,
                     {.x = sizes.query_tiles(),
                      .y = a.heads,
                      .threads = tiles.threads,
                      .shared_bytes = tiles.shared_bytes},
                     arguments);
  }
  if (d_bias) {
    const TensorView& out = call.outputs[bias_output(a)];
    sum_partials(context, arguments.d_bias, sizes.query_tiles(), out.shape.elements(), out.as<float>(),
                 out.accumulate);
  }
}

}  // namespace

void register_attention_backward(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    table.add("attention_backward", dtype, {run_backward, scratch_of, check_head_size});
  }
}

}  // namespace attune::cuda
