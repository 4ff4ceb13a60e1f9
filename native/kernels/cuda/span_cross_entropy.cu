// span_cross_entropy: of each segment, two softmaxes over its tokens, one a column; see
// kernels/span_cross_entropy.h. A block has a segment, a thread every so many-th token, both its logits with
// one access.

#include "kernels/cuda/span_cross_entropy.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {
namespace {

/// One column's softmax, and what there is to learn of it.
struct Column {
  std::int32_t target;  ///< the token; -1: none
  float largest;
  float others;  ///< sum of exp(logit - largest) without the target's
  float sum;
};

__device__ inline float column_loss(const Column& column, float target_logit) {
  if (column.target < 0) return 0.0F;
  const float at_target = target_logit - column.largest;
  return (at_target == 0.0F ? log1pf(column.others) : logf(column.sum)) - at_target;
}

/// d loss / d logit of a token. The target's p - 1 is what the others have, without cancellation.
__device__ inline float column_slope(const Column& column, std::int32_t token, float logit) {
  if (column.target < 0) return 0.0F;
  return token == column.target ? -column.others / column.sum : expf(logit - column.largest) / column.sum;
}

template <class T>
__device__ void span_cross_entropy(const SpanCrossEntropy& a) {
  const std::int64_t s = blockIdx.x;
  const std::int64_t first = a.cu_seqlens[s];
  const auto tokens = static_cast<std::int32_t>(a.cu_seqlens[s + 1] - first);
  const T* const logits = static_cast<const T*>(a.logits) + 2 * first;
  const auto each_token = [&](const auto& f) {
    for (std::int32_t t = static_cast<std::int32_t>(threadIdx.x); t < tokens; t += kSpanThreads)
      f(t, load<2>(logits + 2 * t));
  };
  Column columns[2];
  float largest[2] = {-INFINITY, -INFINITY};
  each_token([&](std::int32_t, const Floats<2>& z) {
    for (int c = 0; c < 2; ++c) largest[c] = fmaxf(largest[c], z.v[c]);
  });
  for (int c = 0; c < 2; ++c) {
    const std::int32_t position = a.positions[2 * s + c];
    columns[c] = {position < tokens ? position : -1, block_max<kSpanThreads>(largest[c]), 0.0F, 0.0F};
  }
  each_token([&](std::int32_t t, const Floats<2>& z) {
    for (int c = 0; c < 2; ++c)
      if (t != columns[c].target) columns[c].others += expf(z.v[c] - columns[c].largest);
  });
  float loss = 0.0F;
  for (int c = 0; c < 2; ++c) {
    Column& column = columns[c];
    column.others = block_sum<kSpanThreads>(column.others);
    if (column.target < 0) continue;
    const float target_logit = to_float(logits[2 * column.target + c]);
    column.sum = column.others + expf(target_logit - column.largest);
    loss += column_loss(column, target_logit);
  }
  if (threadIdx.x == 0) a.row_loss[s] = loss;
  if (a.dlogits == nullptr) return;
  const float scale = *a.scale;
  T* const dlogits = static_cast<T*>(a.dlogits) + 2 * first;
  each_token([&](std::int32_t t, const Floats<2>& z) {
    Floats<2> gradient;
    for (int c = 0; c < 2; ++c) gradient.v[c] = scale * column_slope(columns[c], t, z.v[c]);
    store<2>(dlogits + 2 * t, gradient);
  });
}

ATTUNE_ENTRIES(span_cross_entropy, SpanCrossEntropy, kSpanThreads)

}  // namespace
}  // namespace attune::cuda
