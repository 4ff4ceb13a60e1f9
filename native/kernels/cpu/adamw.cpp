// adamw: one pass over gradient, weight and both moments; squared_sum: the norm that clipping needs. Formulas
// in kernels/adamw.h. All tensors are flat (n). The working copy is the bf16 weight that the forward pass
// reads. Nothing is saved: the moments are the state.

#include "kernels/adamw.h"

#include <cmath>

#include "kernels/cpu/kernels.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

/// 16 Ki floats: four streams of 64 KiB stay in L2, and a task is long enough (about 10 us) to hide its
/// hand-out.
constexpr std::int64_t kChunk = 16'384;

// ---- kernels ----

void update_chunk(const AdamWArguments& a, const float* __restrict gradient, float* __restrict weight,
                  float* __restrict exp_avg, float* __restrict exp_avg_sq, std::int64_t count) {
  const float decay = 1.0F - a.learning_rate * a.weight_decay;
  const float step = a.learning_rate / a.bias_correction1;
  const float root = 1.0F / std::sqrt(a.bias_correction2);
  // -0 less a step of -0 is +0: with a rate of 0 not even that may change.
  const bool moves = a.learning_rate != 0.0F;
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * a.gradient_scale;
    const float m = a.beta1 * exp_avg[i] + a.one_minus_beta1 * g;
    const float v = a.beta2 * exp_avg_sq[i] + a.one_minus_beta2 * g * g;
    exp_avg[i] = m;
    exp_avg_sq[i] = v;
    if (moves) weight[i] = weight[i] * decay - step * m / (std::sqrt(v) * root + a.eps);
  }
}

/// Sixteen running sums, so that the compiler may use its widest registers without reordering ours.
double squared_sum_chunk(const float* x, std::int64_t count) {
  constexpr int kLanes = 16;
  double sums[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const auto value = static_cast<double>(x[i + lane]);
      sums[lane] += value * value;
    }
  }
  for (; i < count; ++i) sums[0] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  double total = 0.0;
  for (const double sum : sums) total += sum;
  return total;
}

// ---- launch ----

[[nodiscard]] std::int64_t chunks(std::int64_t count) { return (count + kChunk - 1) / kChunk; }

void run_adamw(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<AdamWArguments>();
  const std::int64_t count = call.inputs[0].shape.elements();
  const TensorView& working = call.outputs[3];
  context.pool.run(chunks(count), [&](std::int64_t chunk, int) {
    const std::int64_t first = chunk * kChunk;
    const std::int64_t size = first + kChunk < count ? kChunk : count - first;
    float* weight = call.outputs[0].as<float>() + first;
    update_chunk(arguments, call.inputs[0].as<const float>() + first, weight,
                 call.outputs[1].as<float>() + first, call.outputs[2].as<float>() + first, size);
    if (!working.present) return;
    bfloat16* copy = working.as<bfloat16>() + first;
    for (std::int64_t i = 0; i < size; ++i) copy[i] = to_bfloat16(weight[i]);
  });
}

[[nodiscard]] std::size_t squared_sum_scratch(const KernelCall& call, int /*threads*/) {
  return static_cast<std::size_t>(chunks(call.inputs[0].shape.elements())) * sizeof(double);
}

void run_squared_sum(KernelContext& context, const KernelCall& call) {
  const std::int64_t count = call.inputs[0].shape.elements();
  auto* partial = reinterpret_cast<double*>(context.scratch.data());
  const auto* x = call.inputs[0].as<const float>();
  context.pool.run(chunks(count), [&](std::int64_t chunk, int) {
    const std::int64_t first = chunk * kChunk;
    partial[chunk] = squared_sum_chunk(x + first, first + kChunk < count ? kChunk : count - first);
  });
  double total = 0.0;
  for (std::int64_t chunk = 0; chunk < chunks(count); ++chunk) total += partial[chunk];
  *call.as<SquaredSumArguments>().result = total;
}

}  // namespace

void register_adamw(KernelTable& table) {
  table.add("adamw", DType::f32, {run_adamw, nullptr});
  table.add("squared_sum", DType::f32, {run_squared_sum, squared_sum_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
