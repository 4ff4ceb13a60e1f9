// row_loss[r] = f sum_c q[c] (-log softmax(logits[r])[c]), see kernels/cross_entropy.h; loss = loss_scale *
// sum logits, dlogits (R, C); labels, prediction i32 (R); class_weights (C), row_loss (R) and losses float32
// Nothing saved: a row's gradient is made while its logits are in scratch.

#include "kernels/cross_entropy.h"

#include "kernels/cpu/cross_entropy_row.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"
#include "kernels/cpu/loss_sum.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- launch: a row per task, its logits widened into the thread's own scratch

/// Floats of one thread's row, whole cache lines.
std::int64_t row_floats(const KernelCall& call) { return divide_up(call.inputs[0].shape.columns(), 16) * 16; }

template <class T>
void run_cross_entropy(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<CrossEntropyArguments>();
  const std::int64_t rows = call.inputs[0].shape.rows();
  const std::int64_t classes = call.inputs[0].shape.columns();
  const auto* logits = call.inputs[0].as<const T>();
  const auto* labels = call.inputs[1].as<const std::int32_t>();
  auto* row_loss = call.outputs[1].as<float>();
  auto* prediction = call.outputs[2].as<std::int32_t>();
  auto* gradient = has(call.outputs, 3) ? call.outputs[3].as<T>() : nullptr;
  auto* scratch = reinterpret_cast<float*>(context.scratch.data());
  const CrossEntropyTerms terms{
      .smoothing = arguments.label_smoothing,
      .scale = *call.inputs[2].as<const float>(),
      .gradient = gradient != nullptr,
      .class_weights = has(call.inputs, 3) ? call.inputs[3].as<const float>() : nullptr,
      .focal_gamma = arguments.focal_gamma};
  context.pool.run(rows, [&](std::int64_t r, int thread) {
    float* const row = scratch + thread * row_floats(call);
    widen_values(logits + r * classes, row, classes);
    const CrossEntropyRow result = cross_entropy_row(row, classes, labels[r], terms);
    row_loss[r] = result.loss;
    prediction[r] = result.prediction;
    if (gradient == nullptr) return;
    for_vectors(classes, [&](std::int64_t i, auto lanes) {
      store(gradient + r * classes + i, load(row + i, lanes), lanes);
    });
  });
  sum_row_losses(call.outputs[1], call.inputs[2], call.outputs[0]);
}

std::size_t scratch(const KernelCall& call, int threads) {
  return static_cast<std::size_t>(row_floats(call) * threads) * sizeof(float);
}

}  // namespace

void register_cross_entropy(KernelTable& table) {
  table.add("cross_entropy", DType::f32, {run_cross_entropy<float>, scratch});
  table.add("cross_entropy", DType::bf16, {run_cross_entropy<bfloat16>, scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
