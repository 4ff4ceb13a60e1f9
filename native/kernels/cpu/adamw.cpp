// adamw: one pass over gradient, weight and both moments; squared_sum: the norm that clipping needs. Formulas
// in kernels/adamw.h. Each tensor of the list is flat (n). The working copy is the bf16 weight that the
// forward pass reads. Nothing is saved: the moments are the state.

#include "kernels/adamw.h"

#include <cmath>

#include "kernels/cpu/coded_moments.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

/// 16 Ki floats: four streams of 64 KiB stay in L2, and a task is long enough (about 10 us) to hide its
/// hand-out.
constexpr std::int64_t kChunk = 16'384;
static_assert(kChunk % kMomentBlock == 0);

// ---- kernels ----

ATTUNE_INLINE void update_chunk(const AdamWRates& a, float gradient_scale, const float* __restrict gradient,
                                float* __restrict weight, float* __restrict exp_avg,
                                float* __restrict exp_avg_sq, std::int64_t count) {
  const float decay = 1.0F - a.learning_rate * a.weight_decay;
  const float step = a.learning_rate / a.bias_correction1;
  const float root = 1.0F / std::sqrt(a.bias_correction2);
  // -0 less a step of -0 is +0: with a rate of 0 not even that may change.
  const bool moves = a.learning_rate != 0.0F;
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * gradient_scale;
    const float m = a.beta1 * exp_avg[i] + a.one_minus_beta1 * g;
    const float v = a.beta2 * exp_avg_sq[i] + a.one_minus_beta2 * g * g;
    exp_avg[i] = m;
    exp_avg_sq[i] = v;
    if (moves) weight[i] = weight[i] * decay - step * m / (std::sqrt(v) * root + a.eps);
  }
}

struct CodedMoments {
  std::uint8_t* exp_avg;
  std::uint8_t* exp_avg_sq;
  float* exp_avg_scale;
  float* exp_avg_sq_scale;
};

/// Blocks of moments become floats, are updated and become codes again.
void update_coded_chunk(const AdamWRates& a, float gradient_scale, const float* gradient, float* weight,
                        const CodedMoments& moments, std::int64_t count) {
  MomentBlock exp_avg;
  MomentBlock exp_avg_sq;
  for (std::int64_t first = 0; first < count; first += kMomentBlock) {
    const std::int64_t block = first / kMomentBlock;
    const std::int64_t size = minimum(kMomentBlock, count - first);
    float& scale = moments.exp_avg_scale[block];
    float& scale_sq = moments.exp_avg_sq_scale[block];
    decode_moments(moments.exp_avg + first, scale, kExpAvgValues.data(), size, exp_avg);
    decode_moments(moments.exp_avg_sq + first, scale_sq, kExpAvgSqValues.data(), size, exp_avg_sq);
    update_chunk(a, gradient_scale, gradient + first, weight + first, exp_avg.values, exp_avg_sq.values,
                 size);
    scale = encode_exp_avg(exp_avg, size, moments.exp_avg + first);
    scale_sq = encode_exp_avg_sq(exp_avg_sq, size, moments.exp_avg_sq + first);
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

/// Elements [first, first + count) of a tensor of the list.
struct Chunk {
  std::size_t tensor;
  std::int64_t first;
  std::int64_t count;
};

/// The chunks of all tensors in a row, so that one job has them: most tensors are small.
class Chunks {
 public:
  /// Without memory it only counts.
  Chunks(std::span<const TensorView> tensors, Carver& carver)
      : tensors_(tensors), starts_(carver.take<std::int64_t>(static_cast<std::int64_t>(tensors.size()) + 1)) {
    for (std::size_t tensor = 0; tensor < tensors.size(); ++tensor) {
      if (starts_ != nullptr) starts_[tensor] = count_;
      count_ += divide_up(tensors[tensor].shape.elements(), kChunk);
    }
    if (starts_ != nullptr) starts_[tensors.size()] = count_;
  }

  [[nodiscard]] std::int64_t count() const { return count_; }
  /// Where a tensor's begin; for the number of tensors, where the last one's end.
  [[nodiscard]] std::int64_t start(std::size_t tensor) const { return starts_[tensor]; }

  /// Its tensor is the last one that begins at it or before, found by halving.
  [[nodiscard]] Chunk at(std::int64_t chunk) const {
    std::size_t low = 0;
    std::size_t high = tensors_.size();
    while (high - low > 1) {
      const std::size_t middle = (low + high) / 2;
      if (starts_[middle] <= chunk) {
        low = middle;
      } else {
        high = middle;
      }
    }
    const std::int64_t first = (chunk - starts_[low]) * kChunk;
    return {.tensor = low, .first = first, .count = minimum(kChunk, tensors_[low].shape.elements() - first)};
  }

 private:
  std::span<const TensorView> tensors_;
  std::int64_t* starts_;
  std::int64_t count_ = 0;
};

[[nodiscard]] std::size_t adamw_scratch(const KernelCall& call, int /*threads*/) {
  Carver carver;
  const Chunks chunks(call.inputs, carver);
  return carver.used();
}

void run_adamw(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<AdamWArguments>();
  const AdamWRates* const rates = arguments.rates.data();
  Carver carver(context.scratch);
  const Chunks chunks(call.inputs, carver);
  context.pool.run(chunks.count(), [&](std::int64_t task, int) {
    const Chunk chunk = chunks.at(task);
    const TensorView* const outputs = &call.outputs[chunk.tensor * kAdamWOutputs];
    const float* const gradient = call.inputs[chunk.tensor].as<const float>() + chunk.first;
    float* const weight = outputs[0].as<float>() + chunk.first;
    if (outputs[4].present) {
      const std::int64_t block = chunk.first / kMomentBlock;
      update_coded_chunk(rates[chunk.tensor], arguments.gradient_scale, gradient, weight,
                         {.exp_avg = outputs[1].as<std::uint8_t>() + chunk.first,
                          .exp_avg_sq = outputs[2].as<std::uint8_t>() + chunk.first,
                          .exp_avg_scale = outputs[4].as<float>() + block,
                          .exp_avg_sq_scale = outputs[5].as<float>() + block},
                         chunk.count);
    } else {
      update_chunk(rates[chunk.tensor], arguments.gradient_scale, gradient, weight,
                   outputs[1].as<float>() + chunk.first, outputs[2].as<float>() + chunk.first, chunk.count);
    }
    if (!outputs[3].present) return;
    bfloat16* const copy = outputs[3].as<bfloat16>() + chunk.first;
    for (std::int64_t i = 0; i < chunk.count; ++i) copy[i] = to_bfloat16(weight[i]);
  });
}

[[nodiscard]] std::size_t squared_sum_scratch(const KernelCall& call, int /*threads*/) {
  Carver carver;
  const Chunks chunks(call.inputs, carver);
  carver.take<double>(chunks.count());
  return carver.used();
}

void run_squared_sum(KernelContext& context, const KernelCall& call) {
  Carver carver(context.scratch);
  const Chunks chunks(call.inputs, carver);
  auto* const partial = carver.take<double>(chunks.count());
  context.pool.run(chunks.count(), [&](std::int64_t task, int) {
    const Chunk chunk = chunks.at(task);
    partial[task] = squared_sum_chunk(call.inputs[chunk.tensor].as<const float>() + chunk.first, chunk.count);
  });
  double* const results = call.as<SquaredSumArguments>().results;
  for (std::size_t tensor = 0; tensor < call.inputs.size(); ++tensor) {
    double total = 0.0;
    for (std::int64_t chunk = chunks.start(tensor); chunk < chunks.start(tensor + 1); ++chunk)
      total += partial[chunk];
    results[tensor] = total;
  }
}

}  // namespace

void register_adamw(KernelTable& table) {
  table.add("adamw", DType::f32, {run_adamw, adamw_scratch});
  table.add("squared_sum", DType::f32, {run_squared_sum, squared_sum_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
