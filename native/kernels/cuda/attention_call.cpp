#include "kernels/cuda/attention_call.h"

#include <vector>

#include "core/error.h"
#include "core/philox.h"
#include "kernels/cuda/query_starts.h"
#include "kernels/cuda/relative_bias.h"
#include "kernels/relative_position.h"

namespace attune::cuda {

BiasValues::BiasValues(Scratch& scratch, const AttentionArguments& a, std::span<const TensorView> inputs,
                       std::size_t input, std::int64_t longest) {
  if (!has(inputs, input)) return;
  table = &inputs[input];
  reach = static_cast<int>(std::min(a.bias_max_distance, longest));
  values = scratch.take<float>(a.heads * distances());
}

const std::int32_t* BiasValues::buckets_on(CudaDevice& device, const AttentionArguments& a) const {
  if (table == nullptr) return nullptr;
  const RelativeBuckets rule{table->shape[0], a.bias_max_distance, a.bias_bidirectional};
  std::vector<std::int32_t> of_distance(static_cast<std::size_t>(distances()));
  for (int at = 0; at < distances(); ++at) of_distance[at] = static_cast<std::int32_t>(rule.of(at - reach));
  return device.constant(std::span<const std::int32_t>(of_distance));
}

void BiasValues::fill(CudaDevice& device, const AttentionArguments& a) const {
  if (table == nullptr) return;
  device.launch("relative_bias", "relative_bias",
                {.x = divide_up(distances(), kBiasThreads), .y = a.heads, .threads = kBiasThreads},
                RelativeBias{.table = {.data = table->data, .bf16 = table->dtype == DType::bf16},
                             .buckets = buckets_on(device, a),
                             .values = values,
                             .heads = static_cast<int>(a.heads),
                             .distances = distances()});
}

SegmentInputs::SegmentInputs(Scratch& scratch, std::span<const TensorView> inputs, std::size_t first)
    : cu_seqlens_(&inputs[first]), key_starts_(&inputs[has(inputs, first + 1) ? first + 1 : first]) {
  if (!has(inputs, first + 3)) return;
  query_rows_ = &inputs[first + 3];
  query_starts_ = scratch.take<std::int32_t>(cu_seqlens_->shape.rows());
}

Segments SegmentInputs::on(CudaDevice& device) const {
  const auto* starts = cu_seqlens_->as<const std::int32_t>();
  Segments segments{.queries = starts,
                    .keys = key_starts_->as<const std::int32_t>(),
                    .count = static_cast<int>(cu_seqlens_->shape.rows() - 1)};
  if (query_rows_ == nullptr) return segments;
  segments.queries = query_starts_;
  segments.query_rows = query_rows_->as<const std::int32_t>();
  device.launch("query_starts", "query_starts",
                {.x = divide_up(segments.count + 1, kQueryStartsThreads), .threads = kQueryStartsThreads},
                QueryStarts{.rows = segments.query_rows,
                            .starts = starts,
                            .of_rows = query_starts_,
                            .count = static_cast<int>(query_rows_->shape.rows()),
                            .segments = segments.count});
  return segments;
}

ScoreRule score_rule(const AttentionArguments& a, const PhiloxKey* random, const BiasValues& bias) {
  return {.scale = a.scale,
          .softcap = a.softcap,
          .bias = bias.values,
          .bias_reach = bias.reach,
          .window = static_cast<int>(a.window),
          .causal = a.causal,
          .dropout = a.dropout > 0.0F,
          .drop_below = dropout_threshold(a.dropout),
          .keep_scale = 1.0F / (1.0F - a.dropout),
          .random = random,
          .stream = a.stream};
}

HeadCounts head_counts(const AttentionArguments& a) {
  return {.heads = static_cast<int>(a.heads),
          .group = static_cast<int>(a.heads / a.kv_heads),
          .head_dim = static_cast<int>(a.head_dim)};
}

void check_head_size(const std::any& arguments, const std::string& where) {
  const std::int64_t head_dim = std::any_cast<const AttentionArguments&>(arguments).head_dim;
  if (head_dim <= kLargestHead) return;
  throw Error("missing-kernel", where,
              "There is no kernel for attention on cuda with head_dim " + std::to_string(head_dim) +
                  " (needed at " + where + "): " + std::to_string(kLargestHead) +
                  " is the largest. Use device 'cpu'.");
}

void launch_forward(KernelContext& context, const AttentionForward& arguments, DType dtype,
                    std::int64_t rows) {
  const AttentionTiles tiles =
      forward_tiles(static_cast<int>(size_of(dtype)), padded_head(arguments.counts.head_dim));
  launch_attention(context, "attention_forward", dtype,
                   {.x = most_tiles(rows, arguments.segments.count, tiles.rows),
                    .y = arguments.counts.heads,
                    .threads = tiles.threads,
                    .shared_bytes = tiles.shared_bytes},
                   arguments);
}

}  // namespace attune::cuda
