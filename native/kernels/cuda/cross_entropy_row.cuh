#pragma once

// Softmax, loss and gradient of one row of logits by one warp.
//
// With m the largest logit, e[c] = exp(z[c] - m), others = sum of e without the label's, sum = others +
// e[label], q[c] = w[c] (smoothing / C + (c = label) (1 - smoothing)), f = (others / sum)^gamma:
//   loss = f (sum_c q[c] log sum - sum_c q[c] (z[c] - m))
//   d loss / d z[c] = e[c] (f sum q / sum + h / others) - f q[c], h = gamma loss e[label] / sum
//   of the label:     f (sum of the others' q - sum q others / sum) - h
// Nothing is taken from 1: where a row is learnt, 1 - p[label] = others / sum goes to 0.

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {

struct CrossEntropyTerms {
  const float* class_weights;  ///< or null: all 1
  float smoothing;
  float focal_gamma;
};

struct Maximum {
  float value;
  std::int64_t index;  ///< the first that has it
};

__device__ inline void take_larger(Maximum& best, float value, std::int64_t index) {
  if (value > best.value || (value == best.value && index < best.index)) best = {value, index};
}

/// Every lane gets it.
__device__ inline Maximum warp_maximum(Maximum best) {
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    const float value = __shfl_xor_sync(0xffffffffU, best.value, offset);
    const std::int64_t index = __shfl_xor_sync(0xffffffffU, best.index, offset);
    take_larger(best, value, index);
  }
  return best;
}

/// What the gradient needs of a row.
struct CrossEntropyRow {
  float loss;
  std::int32_t prediction;
  float largest;
  float slope;        ///< times e[c], less q_factor q[c], is d loss / d z[c]
  float label_slope;  ///< d loss / d z[label]
  float q_factor;
};

__device__ inline float weight_of(const CrossEntropyTerms& terms, std::int64_t c) {
  return terms.class_weights == nullptr ? 1.0F : terms.class_weights[c];
}

template <class T>
__device__ inline CrossEntropyRow cross_entropy_row(const T* logits, std::int64_t classes, std::int32_t label,
                                                    const CrossEntropyTerms& terms) {
  Maximum best{-INFINITY, classes};
  for_row<T>(classes, lane_id(), kWarp, [&]<int N>(std::int64_t c, Count<N>) {
    const Floats<N> z = load<N>(logits + c);
#pragma unroll
    for (int j = 0; j < N; ++j) take_larger(best, z.v[j], c + j);
  });
  best = warp_maximum(best);

  const float spread = terms.smoothing / static_cast<float>(classes);
  float others = 0.0F;
  float others_q = 0.0F;
  float q_logits = 0.0F;
  for_row<T>(classes, lane_id(), kWarp, [&]<int N>(std::int64_t c, Count<N>) {
    const Floats<N> z = load<N>(logits + c);
#pragma unroll
    for (int j = 0; j < N; ++j) {
      if (c + j == label) continue;
      const float shifted = z.v[j] - best.value;
      others += expf(shifted);
      if (spread > 0.0F) {
        const float q = weight_of(terms, c + j) * spread;
        others_q += q;
        q_logits += q * shifted;
      }
    }
  });
  others = warp_sum(others);
  others_q = warp_sum(others_q);

  const float at_label = to_float(logits[label]) - best.value;
  const float label_exponential = expf(at_label);
  const float label_q = weight_of(terms, label) * (1.0F - terms.smoothing + spread);
  q_logits = warp_sum(q_logits) + label_q * at_label;
  const float q_sum = others_q + label_q;
  const float sum = others + label_exponential;
  const float log_sum = at_label == 0.0F ? log1pf(others) : logf(sum);
  const float missed = others / sum;
  const float factor = terms.focal_gamma > 0.0F ? powf(missed, terms.focal_gamma) : 1.0F;
  CrossEntropyRow row{};
  row.loss = factor * (q_sum * log_sum - q_logits);
  row.prediction = best.index < classes ? static_cast<std::int32_t>(best.index) : 0;
  row.largest = best.value;
  const float hit = terms.focal_gamma * row.loss * label_exponential / sum;
  row.slope = factor * q_sum / sum + (others > 0.0F ? hit / others : 0.0F);
  row.label_slope = factor * (others_q - q_sum * missed) - hit;
  row.q_factor = factor * spread;
  return row;
}

/// dlogits = scale d loss / d logits; they may take the logits' place.
template <class T>
__device__ inline void cross_entropy_gradient(const T* logits, std::int64_t classes, std::int32_t label,
                                              const CrossEntropyTerms& terms, const CrossEntropyRow& row,
                                              float scale, T* dlogits) {
  __syncwarp();  // the label's logit was read by all
  for_row<T>(classes, lane_id(), kWarp, [&]<int N>(std::int64_t c, Count<N>) {
    Floats<N> z = load<N>(logits + c);
#pragma unroll
    for (int j = 0; j < N; ++j) {
      float slope = row.slope * expf(z.v[j] - row.largest);
      if (row.q_factor > 0.0F) slope -= row.q_factor * weight_of(terms, c + j);
      z.v[j] = scale * (c + j == label ? row.label_slope : slope);
    }
    store<N>(dlogits + c, z);
  });
}

}  // namespace attune::cuda
