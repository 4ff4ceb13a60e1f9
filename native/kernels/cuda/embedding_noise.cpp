#include "kernels/embedding_noise.h"

#include "kernels/cuda/embedding_noise.h"
#include "kernels/cuda/kernels.h"

namespace attune::cuda {
namespace {

void run_embedding_noise(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<EmbeddingNoiseArguments>();
  const TensorView& x = call.inputs[0];
  const std::int64_t rows = x.shape.rows();
  device_of(context).launch("embedding_noise", entry("embedding_noise", x.dtype),
                            {.x = divide_up(rows, kNoiseThreads / 32), .threads = kNoiseThreads},
                            EmbeddingNoise{.x = x.data,
                                           .starts = call.inputs[1].as<const std::int32_t>(),
                                           .y = call.outputs[0].data,
                                           .rows = rows,
                                           .columns = x.shape.columns(),
                                           .segments = static_cast<int>(call.inputs[1].shape.rows() - 1),
                                           .alpha = arguments.alpha,
                                           .random = device_of(context).random(),
                                           .stream = arguments.stream});
}

}  // namespace

void register_embedding_noise(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16})
    table.add("embedding_noise", dtype, {run_embedding_noise});
}

}  // namespace attune::cuda
