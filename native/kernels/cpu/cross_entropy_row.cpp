// loss = log sum_v exp z[v] - (1 - e) z[label] - e mean_v z[v], z = softcap(logits), for one row
// logits (V) float32, overwritten by z and, where a gradient is wanted, by d loss / d logits
// Nothing saved: the gradient is made from z at once. The weighted form (class weights, focal factor) is
// below.

#include "kernels/cpu/cross_entropy_row.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// Float32 within a block of a row, double between blocks: the error then grows with 1024 elements, not with
// the vocabulary. The first maximum is looked for vector by vector in blocks, then one by one in the block
// that has it.
constexpr std::int64_t kLogitBlock = 1024;

ATTUNE_INLINE std::int64_t lanes(std::int64_t left) { return left < Vec::kWidth ? left : Vec::kWidth; }

/// Calls body(offset, lanes) over `count` elements, whole vectors first.
template <class Body>
ATTUNE_INLINE void for_vectors(std::int64_t count, const Body& body) {
  for (std::int64_t v = 0; v < count; v += Vec::kWidth) body(v, lanes(count - v));
}

void cap_row(float* logits, std::int64_t count, float softcap) {
  const Vec cap = broadcast(softcap);
  const Vec inverse = broadcast(1.0F / softcap);
  for_vectors(count, [&](std::int64_t v, std::int64_t n) {
    store_partial(logits + v, cap * tanh(inverse * load_partial(logits + v, n)), n);
  });
}

float block_maximum(const float* logits, std::int64_t count) {
  Vec best = broadcast(logits[0]);
  std::int64_t v = 0;
  for (; v + Vec::kWidth <= count; v += Vec::kWidth) best = max(load(logits + v), best);
  float out = reduce_max(best);
  for (; v < count; ++v) out = logits[v] > out ? logits[v] : out;
  return out;
}

std::int32_t first_maximum(const float* logits, std::int64_t count) {
  std::int64_t best_block = 0;
  float best = block_maximum(logits, count < kLogitBlock ? count : kLogitBlock);
  for (std::int64_t v = kLogitBlock; v < count; v += kLogitBlock) {
    const float here = block_maximum(logits + v, count - v < kLogitBlock ? count - v : kLogitBlock);
    if (here > best) {
      best = here;
      best_block = v;
    }
  }
  for (std::int64_t v = best_block; v < count && v < best_block + kLogitBlock; ++v) {
    if (logits[v] == best) return static_cast<std::int32_t>(v);
  }
  return static_cast<std::int32_t>(best_block);
}

/// Sum of exp(z - shift); four chains hide the latency of exp and shorten the sums.
float block_sum_of_exponentials(const float* logits, std::int64_t count, float shift) {
  const Vec maximum = broadcast(shift);
  Vec sum[4] = {zero(), zero(), zero(), zero()};
  std::int64_t v = 0;
  for (; v + 4 * Vec::kWidth <= count; v += 4 * Vec::kWidth) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i)
      sum[i] = sum[i] + exp_of_nonpositive(load(logits + v + i * Vec::kWidth) - maximum);
  }
  float out = reduce_add((sum[0] + sum[1]) + (sum[2] + sum[3]));
  alignas(64) float last[Vec::kWidth];
  for (; v < count; v += Vec::kWidth) {
    const std::int64_t n = lanes(count - v);
    store(last, exp_of_nonpositive(load_partial(logits + v, n) - maximum));
    for (std::int64_t i = 0; i < n; ++i) out += last[i];
  }
  return out;
}

float block_sum(const float* logits, std::int64_t count) {
  Vec sum = zero();
  for_vectors(count, [&](std::int64_t v, std::int64_t n) { sum = sum + load_partial(logits + v, n); });
  return reduce_add(sum);
}

template <class Block>
ATTUNE_INLINE double sum_of_blocks(std::int64_t count, const Block& block) {
  double sum = 0.0;
  for (std::int64_t v = 0; v < count; v += kLogitBlock) {
    sum += static_cast<double>(block(v, count - v < kLogitBlock ? count - v : kLogitBlock));
  }
  return sum;
}

/// loss = f Q, f = (1 - p[label])^gamma, Q = sum_v q[v] (log_sum - z[v]), q = the class weights times the
/// target. With e = exp(z - maximum), others = sum of e without the label's, h = gamma f Q p[label]:
///   d loss / d z[v] = f (p[v] sum q - q[v]) + h (v = label ? -1 : e[v] / others)
/// Nothing is divided by 1 - p[label] = others / sum, which goes to 0 where a row is learnt. Plain loops in
/// double: rows have as many elements as a task has classes.
float weighted_row(float* logits, std::int64_t count, std::int32_t label, float maximum,
                   const CrossEntropyTerms& terms) {
  const auto smoothing = static_cast<double>(terms.smoothing);
  const auto gamma = static_cast<double>(terms.focal_gamma);
  const auto shifted = [&](std::int64_t v) {
    return static_cast<double>(logits[v]) - static_cast<double>(maximum);
  };
  const auto q_of = [&](std::int64_t v) {
    const double q = smoothing / static_cast<double>(count) + (v == label ? 1.0 - smoothing : 0.0);
    return terms.class_weights == nullptr ? q : q * static_cast<double>(terms.class_weights[v]);
  };
  const double at_label = __builtin_exp(shifted(label));
  double others = 0.0;
  double q_sum = 0.0;
  double q_logits = 0.0;
  for (std::int64_t v = 0; v < count; ++v) {
    if (v != label) others += __builtin_exp(shifted(v));
    q_sum += q_of(v);
    q_logits += q_of(v) * shifted(v);
  }
  const double sum = others + at_label;
  const double factor = gamma > 0.0 ? __builtin_pow(others / sum, gamma) : 1.0;
  const double loss = factor * (q_sum * __builtin_log(sum) - q_logits);
  if (!terms.gradient) return static_cast<float>(loss);

  const auto scale = static_cast<double>(terms.scale);
  const double hit = gamma * loss * at_label / sum;
  const double slope = factor * q_sum / sum + (others > 0.0 ? hit / others : 0.0);
  for (std::int64_t v = 0; v < count; ++v) {
    const double rise =
        v == label ? factor * q_sum * at_label / sum - hit : slope * __builtin_exp(shifted(v));
    logits[v] = static_cast<float>(scale * (rise - factor * q_of(v)));
  }
  return static_cast<float>(loss);
}

}  // namespace

CrossEntropyRow cross_entropy_row(float* logits, std::int64_t count, std::int32_t label,
                                  const CrossEntropyTerms& terms) {
  if (terms.softcap > 0.0F) cap_row(logits, count, terms.softcap);
  CrossEntropyRow out;
  out.prediction = first_maximum(logits, count);
  const float maximum = logits[out.prediction];
  if (terms.class_weights != nullptr || terms.focal_gamma > 0.0F) {
    out.loss = weighted_row(logits, count, label, maximum, terms);
    return out;
  }
  const double sum = sum_of_blocks(count, [&](std::int64_t v, std::int64_t n) {
    return block_sum_of_exponentials(logits + v, n, maximum);
  });
  const double log_sum = static_cast<double>(maximum) + __builtin_log(sum);
  const float target = logits[label];
  const double smoothing = static_cast<double>(terms.smoothing);
  double loss = log_sum - (1.0 - smoothing) * static_cast<double>(target);
  if (terms.smoothing > 0.0F) {
    const double total =
        sum_of_blocks(count, [&](std::int64_t v, std::int64_t n) { return block_sum(logits + v, n); });
    loss -= smoothing * total / static_cast<double>(count);
  }
  out.loss = static_cast<float>(loss);
  if (!terms.gradient) return out;

  const Vec shift = broadcast(maximum);
  const Vec factor = broadcast(static_cast<float>(static_cast<double>(terms.scale) / sum));
  const float spread = terms.scale * terms.smoothing / static_cast<float>(count);
  float at_label = terms.scale * (1.0F - terms.smoothing);
  if (terms.softcap > 0.0F) {
    const Vec inverse_cap = broadcast(1.0F / terms.softcap);
    for_vectors(count, [&](std::int64_t v, std::int64_t n) {
      const Vec z = load_partial(logits + v, n);
      const Vec ratio = inverse_cap * z;
      const Vec slope = fnma(ratio, ratio, broadcast(1.0F));
      store_partial(logits + v, (exp_of_nonpositive(z - shift) * factor - broadcast(spread)) * slope, n);
    });
    const float ratio = target / terms.softcap;
    at_label *= 1.0F - ratio * ratio;
  } else {
    for_vectors(count, [&](std::int64_t v, std::int64_t n) {
      store_partial(logits + v,
                    fma(exp_of_nonpositive(load_partial(logits + v, n) - shift), factor, broadcast(-spread)),
                    n);
    });
  }
  logits[label] -= at_label;
  return out;
}

}  // namespace attune::cpu::ATTUNE_ISA
