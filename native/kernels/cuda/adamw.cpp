#include "kernels/adamw.h"

#include <cmath>

#include "kernels/cuda/adamw.h"
#include "kernels/cuda/kernels.h"

namespace attune::cuda {
namespace {

void run_adamw(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<AdamWArguments>();
  const std::int64_t count = call.inputs[0].shape.elements();
  device_of(context).launch("adamw", "adamw", pack_grid(count, DType::f32),
                            AdamW{.gradient = call.inputs[0].as<const float>(),
                                  .weight = call.outputs[0].as<float>(),
                                  .exp_avg = call.outputs[1].as<float>(),
                                  .exp_avg_sq = call.outputs[2].as<float>(),
                                  .working = data_of(call.outputs, 3),
                                  .count = count,
                                  .beta1 = arguments.beta1,
                                  .beta2 = arguments.beta2,
                                  .one_minus_beta1 = arguments.one_minus_beta1,
                                  .one_minus_beta2 = arguments.one_minus_beta2,
                                  .eps = arguments.eps,
                                  .gradient_scale = arguments.gradient_scale,
                                  .decay = 1.0F - arguments.learning_rate * arguments.weight_decay,
                                  .step = arguments.learning_rate / arguments.bias_correction1,
                                  .root = 1.0F / std::sqrt(arguments.bias_correction2),
                                  .moves = arguments.learning_rate != 0.0F});
}

[[nodiscard]] std::int64_t chunks_of(const KernelCall& call) {
  return divide_up(call.inputs[0].shape.elements(), kSquaredSumChunk);
}

std::size_t squared_sum_scratch(const KernelCall& call, int /*threads*/) {
  Scratch scratch;
  static_cast<void>(scratch.take<double>(chunks_of(call)));
  return scratch.bytes();
}

void run_squared_sum(KernelContext& context, const KernelCall& call) {
  const std::int64_t chunks = chunks_of(call);
  const SquaredSum arguments{.x = call.inputs[0].as<const float>(),
                             .count = call.inputs[0].shape.elements(),
                             .partial = Scratch(context.scratch.data()).take<double>(chunks),
                             .chunks = chunks,
                             .result = call.as<SquaredSumArguments>().result};
  CudaDevice& device = device_of(context);
  device.launch("adamw", "squared_sum_chunks", {.x = chunks, .threads = kSquaredSumThreads}, arguments);
  device.launch("adamw", "squared_sum_result", {.threads = kSquaredSumThreads}, arguments);
}

}  // namespace

void register_adamw(KernelTable& table) {
  table.add("adamw", DType::f32, {run_adamw});
  table.add("squared_sum", DType::f32, {run_squared_sum, squared_sum_scratch});
}

}  // namespace attune::cuda
