// span_cross_entropy: where an answer starts and ends in each segment, as two softmaxes over its tokens.
//   logits (T, 2), cu_seqlens (S + 1), positions (S, 2), loss_scale (1); loss (1) = loss_scale * sum of row
//   losses, row_loss (S), dlogits (T, 2). A root: see ops/loss.h.

#include "kernels/span_cross_entropy.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ops/loss.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 4> kInputs{"logits", "cu_seqlens", "positions", "loss_scale"};
constexpr std::array<std::string_view, 3> kOutputs{"loss", "row_loss", "dlogits"};

std::any parse(const Attributes& /*attributes*/) { return SpanCrossEntropyArguments{}; }

std::vector<ValueType> infer(const std::any& any, const InferContext& context) {
  const Dimension start_and_end{.fixed = 2};
  context.check_rank(0, "logits", 2);
  context.check_activation(0, "logits");
  context.check_dimension(0, "logits", 1, start_and_end);
  context.check_rank(2, "positions", 2);
  context.check_dtype(2, "positions", DType::i32);
  context.check_dimension(2, "positions", 1, start_and_end);
  const Dimension segments = context.in(2, "positions").dimensions[0];
  Dimension bounds = segments;
  ++(bounds.name < 0 ? bounds.fixed : bounds.offset);
  context.check_rank(1, "cu_seqlens", 1);
  context.check_dtype(1, "cu_seqlens", DType::i32);
  context.check_dimension(1, "cu_seqlens", 0, bounds);
  check_loss_scale(context, 3);
  std::vector<ValueType> outputs{loss_type(), {{segments}, DType::f32}};
  if (std::any_cast<const SpanCrossEntropyArguments&>(any).logits_gradient) {
    outputs.push_back(context.in(0, "logits"));
  }
  return outputs;
}

void gradient(GradientContext& context) {
  check_root(context, "span_cross_entropy");
  if (!context.wants(0)) return;
  context.give(0, context.extend_forward(SpanCrossEntropyArguments{.logits_gradient = true})[2]);
}

void reference(const std::any& /*any*/, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const std::vector<double>& logits = inputs[0].data;
  const std::vector<double>& starts = inputs[1].data;
  const std::int64_t segments = inputs[2].shape[0];
  ReferenceTensor row_loss{.shape = {segments}, .data = {}, .present = true};
  for (std::int64_t s = 0; s < segments; ++s) {
    const auto begin = static_cast<std::int64_t>(starts[s]);
    const auto end = static_cast<std::int64_t>(starts[s + 1]);
    double row = 0.0;
    for (std::int64_t c = 0; c < 2; ++c) {
      const auto position = begin + static_cast<std::int64_t>(inputs[2].data[2 * s + c]);
      if (position < begin || position >= end) continue;
      double largest = logits[2 * begin + c];
      for (std::int64_t t = begin; t < end; ++t) largest = std::max(largest, logits[2 * t + c]);
      double sum = 0.0;
      for (std::int64_t t = begin; t < end; ++t) sum += std::exp(logits[2 * t + c] - largest);
      row += largest + std::log(sum) - logits[2 * position + c];
    }
    row_loss.data.push_back(row);
  }
  ReferenceTensor loss = reference_loss(row_loss, inputs[3]);
  outputs = {std::move(loss), std::move(row_loss)};
}

Work work(const KernelCall& call) {
  const int gradient = call.as<SpanCrossEntropyArguments>().logits_gradient ? 3 : 0;
  return {.elements = (kSoftmaxOperations + gradient) * element_count(call.inputs[0])};
}

}  // namespace

const OpDefinition span_cross_entropy_op{.name = "span_cross_entropy",
                                         .inputs = kInputs,
                                         .outputs = kOutputs,
                                         .parse = parse,
                                         .infer = infer,
                                         .gradient = gradient,
                                         .reference = reference,
                                         .work = work};

}  // namespace attune
