// row_loss[r] = sum_c f (-w s log p - (1 - s) log(1 - p)), p = sigmoid(logits), see
// kernels/binary_cross_entropy.h logits, dlogits (R, C); targets (R, C), positive_weights w (C), row_loss (R)
// and losses float32 Nothing saved: the gradient is made at once.

#include "kernels/binary_cross_entropy.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"
#include "kernels/cpu/loss_sum.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels: plain loops in double; rows have as many elements as a task has labels

struct Element {
  double loss = 0.0;
  double slope = 0.0;
};

Element element_of(double logit, double target, double weight, const BinaryCrossEntropyArguments& arguments) {
  const auto smoothing = static_cast<double>(arguments.label_smoothing);
  const auto gamma = static_cast<double>(arguments.focal_gamma);
  const double smoothed = target * (1.0 - smoothing) + smoothing / 2.0;
  // exp of what is not positive never overflows; near and far are the probabilities of the nearer answer and
  // of the other one, each without cancellation.
  const double e = __builtin_exp(-__builtin_fabs(logit));
  const double near = 1.0 / (1.0 + e);
  const double far = e / (1.0 + e);
  const double yes = logit > 0.0 ? near : far;
  const double no = logit > 0.0 ? far : near;
  const double log_near = -__builtin_log1p(e);
  const double log_yes = logit > 0.0 ? log_near : logit + log_near;
  const double log_no = logit > 0.0 ? log_near - logit : log_near;
  Element out{.loss = -weight * smoothed * log_yes - (1.0 - smoothed) * log_no,
              .slope = -weight * smoothed * no + (1.0 - smoothed) * yes};
  if (gamma == 0.0) return out;
  const double miss = yes * (1.0 - target) + no * target;
  const double factor = __builtin_pow(miss, gamma);
  // d miss / d logit = yes no (1 - 2 target), which is miss times something for a target of 0 or 1: where
  // miss is 0 so is it.
  const double miss_slope = miss > 0.0 ? yes * no * (1.0 - 2.0 * target) / miss : 0.0;
  out.slope = factor * (out.slope + gamma * out.loss * miss_slope);
  out.loss *= factor;
  return out;
}

// ---- launch

template <class T>
void run_binary_cross_entropy(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<BinaryCrossEntropyArguments>();
  const std::int64_t columns = call.inputs[0].shape.columns();
  const auto* logits = call.inputs[0].as<const T>();
  const auto* targets = call.inputs[1].as<const float>();
  const auto scale = static_cast<double>(*call.inputs[2].as<const float>());
  const auto* weights = has(call.inputs, 3) ? call.inputs[3].as<const float>() : nullptr;
  auto* row_loss = call.outputs[1].as<float>();
  auto* gradient = has(call.outputs, 2) ? call.outputs[2].as<T>() : nullptr;
  const auto run_row = [&](std::int64_t r) {
    double sum = 0.0;
    for (std::int64_t c = 0; c < columns; ++c) {
      const std::int64_t at = r * columns + c;
      const Element element =
          element_of(static_cast<double>(widen_value(logits[at])), static_cast<double>(targets[at]),
                     weights == nullptr ? 1.0 : static_cast<double>(weights[c]), arguments);
      sum += element.loss;
      if (gradient != nullptr) gradient[at] = from_value<T>(static_cast<float>(scale * element.slope));
    }
    row_loss[r] = static_cast<float>(sum);
  };
  run_rows(context.pool, call.inputs[0].shape.rows(), rows_of_task(columns),
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t r = begin; r < end; ++r) run_row(r);
           });
  sum_row_losses(call.outputs[1], call.inputs[2], call.outputs[0]);
}

}  // namespace

void register_binary_cross_entropy(KernelTable& table) {
  table.add("binary_cross_entropy", DType::f32, {run_binary_cross_entropy<float>, no_scratch});
  table.add("binary_cross_entropy", DType::bf16, {run_binary_cross_entropy<bfloat16>, no_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
