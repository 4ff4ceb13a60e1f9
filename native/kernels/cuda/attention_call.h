#pragma once

#include "kernels/attention.h"
#include "kernels/cuda/attention.h"
#include "kernels/cuda/kernels.h"

// What the launchers of attention, its backward and cached_attention share.
namespace attune::cuda {

/// Heads of q, k and v, or of their gradients.
template <class Data>
struct Projections {
  HeadRows<Data> q;
  HeadRows<Data> k;
  HeadRows<Data> v;
};

/// `views` are q, k, v in this order, apart or packed in the first; data of absent ones is null.
template <class Data>
[[nodiscard]] Projections<Data> projections_of(const AttentionArguments& a,
                                               std::span<const TensorView> views) {
  const std::int64_t step = a.packing == Packing::interleaved ? 3 * a.head_dim : a.head_dim;
  if (a.packing == Packing::none) {
    const std::int64_t keys = a.kv_heads * a.head_dim;
    return {.q = {data_of(views, 0), a.heads * a.head_dim, step},
            .k = {data_of(views, 1), keys, step},
            .v = {data_of(views, 2), keys, step}};
  }
  const std::int64_t stride = (a.heads + 2 * a.kv_heads) * a.head_dim;
  const bool apart = a.packing == Packing::qkv;
  const auto at = [&](std::int64_t heads) -> Data* {
    if (!has(views, 0)) return nullptr;
    return views[0].as<std::byte>() + heads * a.head_dim * static_cast<std::int64_t>(size_of(views[0].dtype));
  };
  return {.q = {at(0), stride, step},
          .k = {at(apart ? a.heads : 1), stride, step},
          .v = {at(apart ? a.heads + a.kv_heads : 2), stride, step}};
}

/// Heads side by side: o, do, the caches.
template <class Data>
[[nodiscard]] HeadRows<Data> side_by_side(Data* data, std::int64_t heads, std::int64_t head_dim) {
  return {data, heads * head_dim, head_dim};
}

/// T5's bias by distance, in scratch. Absent where there is no table.
struct BiasValues {
  const TensorView* table = nullptr;
  int reach = 0;  ///< distances beyond share its bucket
  float* values = nullptr;

  /// `longest`: rows that a query and a key can be apart.
  BiasValues(Scratch& scratch, const AttentionArguments& a, std::span<const TensorView> inputs,
             std::size_t input, std::int64_t longest);

  [[nodiscard]] int distances() const { return 2 * reach + 1; }
  void fill(CudaDevice& device, const AttentionArguments& a) const;
  /// The bucket of each distance, or null.
  [[nodiscard]] const std::int32_t* buckets_on(CudaDevice& device, const AttentionArguments& a) const;
};

/// The segments of cu_seqlens, kv_cu_seqlens and query_rows, which are inputs `first`, `first` + 1 and
/// `first` +
/// 3. Takes room for the segments of query_rows.
class SegmentInputs {
 public:
  SegmentInputs(Scratch& scratch, std::span<const TensorView> inputs, std::size_t first);

  /// Queues what finds the segments of query_rows.
  [[nodiscard]] Segments on(CudaDevice& device) const;

 private:
  const TensorView* cu_seqlens_;
  const TensorView* key_starts_;
  const TensorView* query_rows_ = nullptr;
  std::int32_t* query_starts_ = nullptr;
};

[[nodiscard]] ScoreRule score_rule(const AttentionArguments& a, const PhiloxKey* random,
                                   const BiasValues& bias);

[[nodiscard]] HeadCounts head_counts(const AttentionArguments& a);

/// Throws Error{"missing-kernel"} where heads are larger than the kernels'.
void check_head_size(const std::any& arguments, const std::string& where);

/// Launches `name` for this head size and dtype, "attention_forward_64_bf16" of "attention_64_bf16".
template <class Arguments>
void launch_attention(KernelContext& context, const char* name, DType dtype, const CudaGrid& grid,
                      const Arguments& arguments) {
  std::string size = "_";
  size += std::to_string(padded_head(arguments.counts.head_dim));
  device_of(context).launch(entry(("attention" + size).c_str(), dtype).c_str(),
                            entry((name + size).c_str(), dtype), grid, arguments);
}

/// Of segments over so many rows, tiles of `rows` at most.
[[nodiscard]] constexpr std::int64_t most_tiles(std::int64_t total, std::int64_t segments,
                                                std::int64_t rows) {
  return total / rows + segments;
}

/// Queues the forward for this many query rows; `arguments` holds everything else.
void launch_forward(KernelContext& context, const AttentionForward& arguments, DType dtype,
                    std::int64_t rows);

}  // namespace attune::cuda
