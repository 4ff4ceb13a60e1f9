// loss = loss_scale sum_r (log sum_v exp z - (1 - e) z[label] - e mean_v z), of logits in scratch. See
// kernels/cpu/linear_cross_entropy.cpp and cross_entropy_row.cpp.

#include "kernels/cuda/linear_cross_entropy.h"

#include "kernels/cuda/neighbours.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {
namespace {

constexpr int kWarps = kCrossEntropyThreads / kWarp;

/// What a pass over logits finds: their largest and the first that is it, sum of exp(z - largest), sum of z.
struct Softmax {
  float largest;
  float exponentials;
  float total;
  int first;
};

/// Of no logits. Of some the sum of exponentials is 1 at least, or NaN.
__device__ Softmax nothing() { return {-INFINITY, 0.0F, 0.0F, INT_MAX}; }

__device__ Softmax join(const Softmax& a, const Softmax& b) {
  if (b.exponentials == 0.0F) return a;
  if (a.exponentials == 0.0F) return b;
  const float largest = fmaxf(a.largest, b.largest);
  return {
      .largest = largest,
      .exponentials = a.exponentials * expf(a.largest - largest) + b.exponentials * expf(b.largest - largest),
      .total = a.total + b.total,
      .first = a.largest == b.largest ? min(a.first, b.first) : (a.largest > b.largest ? a.first : b.first)};
}

/// All threads get it. In a fixed order, the same for every lane.
__device__ Softmax join_block(Softmax mine) {
  __shared__ Softmax parts[kWarps];
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    const Softmax other{.largest = __shfl_xor_sync(0xffffffffU, mine.largest, offset),
                        .exponentials = __shfl_xor_sync(0xffffffffU, mine.exponentials, offset),
                        .total = __shfl_xor_sync(0xffffffffU, mine.total, offset),
                        .first = __shfl_xor_sync(0xffffffffU, mine.first, offset)};
    mine = join(mine, other);
  }
  if (lane_id() == 0) parts[warp_id()] = mine;
  __syncthreads();
  Softmax all = parts[0];
#pragma unroll 1
  for (int warp = 1; warp < kWarps; ++warp) all = join(all, parts[warp]);
  return all;
}

/// Logits of tokens with rows of their own take their place.
__device__ void put_token_logits(const CrossEntropyRows& a, float* logits) {
  const float* const own = a.token_logits + blockIdx.x * a.tokens.stride;
  for (std::int64_t i = threadIdx.x; i < a.tokens.count; i += kCrossEntropyThreads) {
    const std::int32_t id = a.tokens.ids[i];
    logits[id] = own[a.tokens.rows[i]] + (a.bias.data == nullptr ? 0.0F : element(a.bias, id));
  }
  __syncthreads();
}

/// Logits of this thread, four at a time: rows begin on 16 bytes.
template <class F>
__device__ void for_logits(std::int64_t vocabulary, const F& f) {
  constexpr std::int64_t kStep = 4 * kCrossEntropyThreads;
  for (std::int64_t v = static_cast<std::int64_t>(threadIdx.x) * 4; v < vocabulary; v += kStep) {
    if (v + 4 <= vocabulary) {
      f(v, Count<4>{});
    } else {
#pragma unroll 1
      for (std::int64_t i = v; i < vocabulary; ++i) f(i, Count<1>{});
    }
  }
}

__device__ Softmax read_logits(const CrossEntropyRows& a, const float* logits) {
  Softmax mine = nothing();
  for_logits(a.vocabulary, [&]<int N>(std::int64_t v, Count<N>) {
    Floats<N> z = load<N>(logits + v);
#pragma unroll
    for (int i = 0; i < N; ++i) {
      if (a.softcap > 0.0F) z.v[i] = a.softcap * tanhf(z.v[i] / a.softcap);
      // A larger one is rare: of n logits in random order log n are.
      if (z.v[i] > mine.largest) {
        mine.exponentials *= expf(mine.largest - z.v[i]);
        mine.largest = z.v[i];
        mine.first = static_cast<int>(v) + i;
      }
      mine.exponentials += expf(z.v[i] - mine.largest);
      mine.total += z.v[i];
    }
  });
  return join_block(mine);
}

template <class T>
__device__ void write_gradient(const CrossEntropyRows& a, const float* logits, T* gradient,
                               const Softmax& softmax, std::int32_t label) {
  const float scale = *a.loss_scale;
  const float factor = scale / softmax.exponentials;
  const float spread = scale * a.smoothing / static_cast<float>(a.vocabulary);
  const float at_label = scale * (1.0F - a.smoothing);
  for_logits(a.vocabulary, [&]<int N>(std::int64_t v, Count<N>) {
    Floats<N> z = load<N>(logits + v);
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const float ratio = a.softcap > 0.0F ? tanhf(z.v[i] / a.softcap) : 0.0F;
      const float capped = a.softcap > 0.0F ? a.softcap * ratio : z.v[i];
      float g = expf(capped - softmax.largest) * factor - spread;
      if (v + i == label) g -= at_label;
      z.v[i] = g * (1.0F - ratio * ratio);
    }
    store_neighbours<N>(gradient + v, z);
  });
}

/// A block has a row.
template <class T>
__device__ void cross_entropy_rows(const CrossEntropyRows& a) {
  const std::int64_t row = blockIdx.x;
  float* const logits = a.logits + row * a.stride;
  const std::int32_t label = a.labels[row];
  if (a.tokens.ids != nullptr) put_token_logits(a, logits);
  float target = logits[label];
  if (a.softcap > 0.0F) target = a.softcap * tanhf(target / a.softcap);
  const Softmax softmax = read_logits(a, logits);
  if (threadIdx.x == 0) {
    // Differences from the largest are small where the loss is: nothing large cancels.
    const float mean = softmax.total / static_cast<float>(a.vocabulary);
    a.row_loss[row] = logf(softmax.exponentials) + (1.0F - a.smoothing) * (softmax.largest - target) +
                      a.smoothing * (softmax.largest - mean);
    a.prediction[row] = softmax.first == INT_MAX ? 0 : softmax.first;  // all are NaN
  }
  if (a.gradient != nullptr)
    write_gradient(a, logits, static_cast<T*>(a.gradient) + row * a.stride, softmax, label);
}

template <class T>
__device__ void take_token_gradients(const TakeTokenGradients& a) {
  const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kTokenThreads + threadIdx.x;
  if (at >= a.rows * a.tokens.count) return;
  const std::int64_t row = at / a.tokens.count;
  const std::int64_t i = at % a.tokens.count;
  T* const from = static_cast<T*>(a.gradient) + row * a.stride + a.tokens.ids[i];
  static_cast<T*>(a.taken)[row * a.tokens.stride + a.tokens.rows[i]] = *from;
  *from = from_float<T>(0.0F);
}

ATTUNE_ENTRIES(cross_entropy_rows, CrossEntropyRows, kCrossEntropyThreads)
ATTUNE_ENTRIES(take_token_gradients, TakeTokenGradients, kTokenThreads)

}  // namespace
}  // namespace attune::cuda
