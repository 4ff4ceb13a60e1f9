#include "kernels/embedding.h"

#include "kernels/cuda/embedding.h"
#include "kernels/cuda/kernels.h"

namespace attune::cuda {
namespace {

constexpr std::int64_t kWarpsOfBlock = kEmbeddingThreads / 32;

void forward(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<EmbeddingArguments>();
  const TensorView& y = call.outputs[0];
  const TensorView& weights = call.inputs[0];
  const bool quantized = is_quantized(weights.dtype);
  CudaDevice& device = device_of(context);
  device.launch("embedding", entry(quantized ? "embedding_quantized" : "embedding", y.dtype),
                {.x = call.inputs[1].shape.elements(), .threads = kEmbeddingThreads},
                Embedding{.table = quantized ? FloatTensor{} : floats(call.inputs, 0),
                          .quantized = quantized ? quantized_weight(weights.dtype, weights.data,
                                                                    weights.shape.elements())
                                                 : QuantizedWeight{},
                          .ids = call.inputs[1].as<const std::int32_t>(),
                          .token_rows = floats(call.inputs, 2),
                          .tokens = token_rows_on(device, arguments.tokens),
                          .y = y.data,
                          .columns = y.shape.columns(),
                          .vocabulary = arguments.vocabulary,
                          .transposed = arguments.transposed});
}

/// Most sums of segments that there can be: a row with several segments has fewer than two for each whole
/// one.
[[nodiscard]] std::int64_t most_sums(std::int64_t tokens) { return 2 * tokens / kEmbeddingSegment; }

/// Shapes and scratch.
[[nodiscard]] EmbeddingBackward lay_out(Scratch& scratch, const KernelCall& call) {
  const auto& arguments = call.as<EmbeddingArguments>();
  const Shape& table = call.outputs[0].shape;
  EmbeddingBackward out{};
  out.rows = arguments.transposed ? table.columns() : table.rows();
  out.columns = arguments.transposed ? table.rows() : table.columns();
  out.token_count = call.inputs[1].shape.elements();
  out.padding_index = static_cast<std::int32_t>(arguments.padding_index);
  out.token_gradient = arguments.token_gradient;
  out.transposed = arguments.transposed;
  const std::int64_t sums = most_sums(out.token_count);
  // In one piece, to be cleared at once.
  out.count = scratch.take<std::int32_t>(out.rows + 2);
  out.placed = out.count + out.rows;
  out.sums = out.placed + 1;
  out.start = scratch.take<std::int32_t>(out.rows);
  out.sum_start = scratch.take<std::int32_t>(out.rows);
  out.row = scratch.take<std::int32_t>(out.token_count);
  out.slot = scratch.take<std::int32_t>(out.token_count);
  out.listed = scratch.take<std::int32_t>(out.token_count);
  out.ordered = scratch.take<std::int32_t>(out.token_count);
  out.sum_row = scratch.take<std::int32_t>(sums);
  out.segment_sums = scratch.take<float>(sums * out.columns);
  return out;
}

std::size_t backward_scratch(const KernelCall& call, int /*threads*/) {
  Scratch scratch;
  static_cast<void>(lay_out(scratch, call));
  return scratch.bytes();
}

[[nodiscard]] CudaGrid threads_grid(std::int64_t threads) {
  return {.x = divide_up(threads, kEmbeddingThreads), .threads = kEmbeddingThreads};
}

/// A warp for each of `count` and for each stretch of columns that it takes, a pack a lane.
[[nodiscard]] CudaGrid warps_grid(std::int64_t count, std::int64_t columns, DType dtype) {
  return {.x = divide_up(count, kWarpsOfBlock),
          .y = divide_up(columns, 32 * static_cast<std::int64_t>(16 / size_of(dtype))),
          .threads = kEmbeddingThreads};
}

void backward(KernelContext& context, const KernelCall& call) {
  const TensorView& out = call.outputs[0];
  const DType dtype = call.inputs[0].dtype;
  if (!out.accumulate)
    context.device.zero(out.as<std::byte>(), static_cast<std::size_t>(out.shape.elements()) * sizeof(float));
  if (call.inputs[0].shape.elements() == 0) return;
  Scratch scratch(context.scratch.data());
  EmbeddingBackward arguments = lay_out(scratch, call);
  arguments.dy = call.inputs[0].data;
  arguments.ids = call.inputs[1].as<const std::int32_t>();
  arguments.dtable = out.as<float>();
  context.device.zero(reinterpret_cast<std::byte*>(arguments.count),
                      static_cast<std::size_t>(arguments.rows + 2) * sizeof(std::int32_t));
  CudaDevice& device = device_of(context);
  arguments.tokens = token_rows_on(device, call.as<EmbeddingArguments>().tokens);
  const CudaGrid tokens = threads_grid(arguments.token_count);
  device.launch("embedding", "embedding_count", tokens, arguments);
  device.launch("embedding", "embedding_start", threads_grid(arguments.rows), arguments);
  device.launch("embedding", "embedding_list", tokens, arguments);
  device.launch("embedding", "embedding_order", tokens, arguments);
  device.launch("embedding", entry("embedding_sum", dtype),
                warps_grid(arguments.token_count, arguments.columns, dtype), arguments);
  device.launch("embedding", "embedding_sum_segments",
                warps_grid(most_sums(arguments.token_count), arguments.columns, DType::f32), arguments);
}

}  // namespace

void register_embedding(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    table.add("embedding", dtype, {forward});
    table.add("embedding_backward", dtype, {backward, backward_scratch});
  }
}

}  // namespace attune::cuda
