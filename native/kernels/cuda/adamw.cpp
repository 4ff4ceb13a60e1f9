#include "kernels/adamw.h"

#include <cmath>
#include <span>
#include <vector>

#include "kernels/cuda/adamw.h"
#include "kernels/cuda/kernels.h"

namespace attune::cuda {
namespace {

/// Brings a list of tensors to the device. It is written at every call, as rates change from step to step.
template <class T>
[[nodiscard]] T* write_table(CudaDevice& device, Scratch& scratch, const std::vector<T>& tensors) {
  T* const table = scratch.take<T>(static_cast<std::int64_t>(tensors.size()));
  device.write(reinterpret_cast<std::byte*>(table), std::as_bytes(std::span(tensors)));
  return table;
}

// ---- adamw ----

[[nodiscard]] AdamWTensor adamw_tensor(const TensorView& gradient, std::span<const TensorView> outputs,
                                       const AdamWRates& rates, std::int64_t first_block) {
  return {.gradient = gradient.as<const float>(),
          .weight = outputs[0].as<float>(),
          .exp_avg = outputs[1].data,
          .exp_avg_sq = outputs[2].data,
          .working = data_of(outputs, 3),
          .exp_avg_scale = static_cast<float*>(data_of(outputs, 4)),
          .exp_avg_sq_scale = static_cast<float*>(data_of(outputs, 5)),
          .count = gradient.shape.elements(),
          .first_block = first_block,
          .beta1 = rates.beta1,
          .beta2 = rates.beta2,
          .one_minus_beta1 = rates.one_minus_beta1,
          .one_minus_beta2 = rates.one_minus_beta2,
          .eps = rates.eps,
          .decay = 1.0F - rates.learning_rate * rates.weight_decay,
          .step = rates.learning_rate / rates.bias_correction1,
          .root = 1.0F / std::sqrt(rates.bias_correction2),
          .moves = rates.learning_rate != 0.0F};
}

/// Whether the moments of this gradient's weight are codes.
[[nodiscard]] bool is_coded(const KernelCall& call, std::size_t i) {
  return call.outputs[i * kAdamWOutputs + 4].present;
}

std::size_t adamw_scratch(const KernelCall& call, int /*threads*/) {
  Scratch scratch;
  std::int64_t coded = 0;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) coded += is_coded(call, i) ? 1 : 0;
  static_cast<void>(scratch.take<AdamWTensor>(static_cast<std::int64_t>(call.inputs.size()) - coded));
  static_cast<void>(scratch.take<AdamWTensor>(coded));
  return scratch.bytes();
}

/// Those whose moments are in codes, or the others.
[[nodiscard]] std::vector<AdamWTensor> adamw_tensors(const KernelCall& call, bool coded) {
  std::vector<AdamWTensor> tensors;
  std::int64_t blocks = 0;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    if (is_coded(call, i) != coded) continue;
    tensors.push_back(adamw_tensor(call.inputs[i], call.outputs.subspan(i * kAdamWOutputs, kAdamWOutputs),
                                   call.as<AdamWArguments>().rates[i], blocks));
    blocks += divide_up(tensors.back().count, kAdamWChunk);
  }
  return tensors;
}

void run_adamw(KernelContext& context, const KernelCall& call) {
  CudaDevice& device = device_of(context);
  Scratch scratch(context.scratch.data());
  for (const bool coded : {false, true}) {
    const std::vector<AdamWTensor> tensors = adamw_tensors(call, coded);
    if (tensors.empty()) continue;
    const std::int64_t blocks = tensors.back().first_block + divide_up(tensors.back().count, kAdamWChunk);
    device.launch("adamw", coded ? "adamw_coded" : "adamw", {.x = blocks, .threads = kAdamWThreads},
                  AdamW{.tensors = write_table(device, scratch, tensors),
                        .count = static_cast<int>(tensors.size()),
                        .gradient_scale = call.as<AdamWArguments>().gradient_scale});
  }
}

// ---- squared_sum ----

[[nodiscard]] std::vector<SquaredSumTensor> squared_sum_tensors(const KernelCall& call) {
  std::vector<SquaredSumTensor> tensors;
  std::int64_t chunks = 0;
  for (const TensorView& x : call.inputs) {
    const std::int64_t count = x.shape.elements();
    tensors.push_back({.x = x.as<const float>(), .count = count, .first_chunk = chunks});
    chunks += divide_up(count, kSquaredSumChunk);
  }
  tensors.push_back({.x = nullptr, .count = 0, .first_chunk = chunks});
  return tensors;
}

std::size_t squared_sum_scratch(const KernelCall& call, int /*threads*/) {
  const std::vector<SquaredSumTensor> tensors = squared_sum_tensors(call);
  Scratch scratch;
  static_cast<void>(scratch.take<SquaredSumTensor>(static_cast<std::int64_t>(tensors.size())));
  static_cast<void>(scratch.take<double>(tensors.back().first_chunk));
  return scratch.bytes();
}

void run_squared_sum(KernelContext& context, const KernelCall& call) {
  const std::vector<SquaredSumTensor> tensors = squared_sum_tensors(call);
  const std::int64_t chunks = tensors.back().first_chunk;
  const auto count = static_cast<int>(call.inputs.size());
  CudaDevice& device = device_of(context);
  Scratch scratch(context.scratch.data());
  const SquaredSumTensor* const table = write_table(device, scratch, tensors);
  const SquaredSum arguments{.tensors = table,
                             .count = count,
                             .partial = scratch.take<double>(chunks),
                             .results = call.as<SquaredSumArguments>().results};
  device.launch("adamw", "squared_sum_chunks", {.x = chunks, .threads = kSquaredSumThreads}, arguments);
  device.launch("adamw", "squared_sum_results", {.x = count, .threads = kSquaredSumThreads}, arguments);
}

}  // namespace

void register_adamw(KernelTable& table) {
  table.add("adamw", DType::f32, {run_adamw, adamw_scratch});
  table.add("squared_sum", DType::f32, {run_squared_sum, squared_sum_scratch});
}

}  // namespace attune::cuda
