#include "kernels/cuda/argmax.h"

#include "kernels/cuda/kernels.h"

namespace attune::cuda {
namespace {

[[nodiscard]] std::int64_t chunks_of(const KernelCall& call) {
  return divide_up(call.inputs[0].shape.columns(), kArgmaxChunk);
}

std::size_t scratch(const KernelCall& call, int /*threads*/) {
  Scratch scratch;
  static_cast<void>(scratch.take<ArgmaxCandidate>(call.inputs[0].shape.rows() * chunks_of(call)));
  return scratch.bytes();
}

void run(KernelContext& context, const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const std::int64_t rows = x.shape.rows();
  const std::int64_t chunks = chunks_of(call);
  const Argmax arguments{.x = x.data,
                         .rows = rows,
                         .columns = x.shape.columns(),
                         .candidates = Scratch(context.scratch.data()).take<ArgmaxCandidate>(rows * chunks),
                         .chunks = chunks,
                         .ids = call.outputs[0].as<std::int32_t>()};
  CudaDevice& device = device_of(context);
  device.launch("argmax", entry("argmax_chunks", x.dtype),
                {.x = rows, .y = chunks, .threads = kArgmaxThreads}, arguments);
  device.launch("argmax", "argmax_rows",
                {.x = divide_up(rows, kArgmaxThreads / 32), .threads = kArgmaxThreads}, arguments);
}

}  // namespace

void register_argmax(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) table.add("argmax", dtype, {run, scratch});
}

}  // namespace attune::cuda
