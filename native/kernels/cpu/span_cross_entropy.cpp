// loss = loss_scale sum_s sum_c (log sum_t exp x[t, c] - x[positions[s, c], c]), t over the tokens of segment
// s logits, dlogits (T, 2); cu_seqlens i32 (S + 1), positions i32 (S, 2); row_loss float32 (S), loss (1)
// Nothing saved: the gradient is made while the segment's logits are in the cache.

#include "kernels/span_cross_entropy.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"
#include "kernels/cpu/loss_sum.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels: a segment is read as one row of 2 x tokens numbers. A vector has an even number of lanes, so
// ---- the starts stand in its even lanes and the ends in the odd ones

/// Float32 sums within a block of numbers, doubles between blocks: the error does not grow with the segment.
constexpr std::int64_t kBlock = 1024;

struct Columns {
  float start;
  float end;
};

/// `column.start` in the even lanes, `column.end` in the odd ones.
ATTUNE_INLINE Vec alternate(Columns column) {
  alignas(64) float lanes[Vec::kWidth];
  for (int i = 0; i < Vec::kWidth; i += 2) {
    lanes[i] = column.start;
    lanes[i + 1] = column.end;
  }
  return load(lanes);
}

/// Both columns' largest logits.
template <class T>
Columns largest_of(const T* logits, std::int64_t count) {
  const Vec lowest = broadcast(-__builtin_inff());
  Vec best = lowest;
  for_vectors(count, [&](std::int64_t i, auto n) { best = max(only(load(logits + i, n), lowest, n), best); });
  alignas(64) float lanes[Vec::kWidth];
  store(lanes, best);
  Columns out{lanes[0], lanes[1]};
  for (int i = 2; i < Vec::kWidth; i += 2) {
    out.start = lanes[i] > out.start ? lanes[i] : out.start;
    out.end = lanes[i + 1] > out.end ? lanes[i + 1] : out.end;
  }
  return out;
}

/// sums[c] = sum of exp(logits - largest) over column c.
template <class T>
void sum_exponentials(const T* logits, std::int64_t count, Vec largest, double (&sums)[2]) {
  sums[0] = 0.0;
  sums[1] = 0.0;
  alignas(64) float lanes[Vec::kWidth];
  for (std::int64_t block = 0; block < count; block += kBlock) {
    Vec sum = zero();
    for_vectors(minimum(kBlock, count - block), [&](std::int64_t i, auto n) {
      sum = sum + only(exp(load(logits + block + i, n) - largest), zero(), n);
    });
    store(lanes, sum);
    for (int i = 0; i < Vec::kWidth; ++i) sums[i % 2] += static_cast<double>(lanes[i]);
  }
}

/// Loss of one segment. dlogits (nullptr: none) become scale (softmax - [t = position]), 0 for a column that
/// has no position here.
template <class T>
float segment_loss(const T* logits, std::int64_t tokens, const std::int32_t* positions, float scale,
                   T* dlogits) {
  const Columns largest = largest_of(logits, 2 * tokens);
  const Vec shift = alternate(largest);
  double sums[2];
  sum_exponentials(logits, 2 * tokens, shift, sums);

  const double maxima[2] = {static_cast<double>(largest.start), static_cast<double>(largest.end)};
  double loss = 0.0;
  float factors[2] = {0.0F, 0.0F};
  for (int c = 0; c < 2; ++c) {
    if (positions[c] < 0 || positions[c] >= tokens) continue;
    const double target = static_cast<double>(widen_value(logits[2 * positions[c] + c]));
    loss += maxima[c] + __builtin_log(sums[c]) - target;
    factors[c] = static_cast<float>(static_cast<double>(scale) / sums[c]);
  }
  if (dlogits == nullptr) return static_cast<float>(loss);

  const Vec factor = alternate({factors[0], factors[1]});
  for_vectors(2 * tokens, [&](std::int64_t i, auto n) {
    store(dlogits + i, exp(load(logits + i, n) - shift) * factor, n);
  });
  // The target's element is made anew, so that a bfloat16 gradient is rounded once.
  for (int c = 0; c < 2; ++c) {
    if (positions[c] < 0 || positions[c] >= tokens) continue;
    const std::int64_t target = 2 * positions[c] + c;
    alignas(64) float lanes[Vec::kWidth];
    store(lanes, exp(broadcast(widen_value(logits[target])) - shift) * factor);
    dlogits[target] = from_value<T>(lanes[c] - scale);
  }
  return static_cast<float>(loss);
}

// ---- launch

template <class T>
void run_span_cross_entropy(KernelContext& context, const KernelCall& call) {
  const auto* logits = call.inputs[0].as<const T>();
  const auto* starts = call.inputs[1].as<const std::int32_t>();
  const auto* positions = call.inputs[2].as<const std::int32_t>();
  const float loss_scale = *call.inputs[3].as<const float>();
  auto* row_loss = call.outputs[1].as<float>();
  T* dlogits = call.as<SpanCrossEntropyArguments>().logits_gradient ? call.outputs[2].as<T>() : nullptr;
  const std::int64_t segments = call.inputs[2].shape.rows();
  const std::int64_t mean = segments == 0 ? 0 : call.inputs[0].shape.elements() / segments;
  run_rows(context.pool, segments, rows_of_task(mean), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t s = begin; s < end; ++s) {
      const std::int64_t first = 2 * static_cast<std::int64_t>(starts[s]);
      const std::int64_t tokens = starts[s + 1] - starts[s];
      row_loss[s] = segment_loss(logits + first, tokens, positions + 2 * s, loss_scale,
                                 dlogits == nullptr ? nullptr : dlogits + first);
    }
  });
  sum_row_losses(call.outputs[1], call.inputs[3], call.outputs[0]);
}

}  // namespace

void register_span_cross_entropy(KernelTable& table) {
  table.add("span_cross_entropy", DType::f32, {run_span_cross_entropy<float>, no_scratch});
  table.add("span_cross_entropy", DType::bf16, {run_span_cross_entropy<bfloat16>, no_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
