// rotary: see kernels/cpu/rotary.cpp for the formulas. A block has a token: its sines and cosines are
// computed once and serve all heads.

#include "kernels/cuda/rotary.h"

#include "kernels/cuda/elements.cuh"

namespace attune::cuda {
namespace {

struct Turn {
  float cosine;
  float sine;
};

__device__ bool turns(const Rotary& a, int head) { return head % a.period < a.rotated; }

/// N pairs of features a step; `count` of them in a head.
template <int N, class T>
__device__ void rotate_heads(const Rotary& a, const T* x, T* y, const Turn* turn) {
  const int steps = a.frequencies / N;
  const int heads = static_cast<int>(a.columns) / a.head_dim;
  for (int i = static_cast<int>(threadIdx.x); i < heads * steps; i += kRotaryThreads) {
    const int head = i / steps;
    if (!turns(a, head)) continue;
    const int f = i % steps * N;
    const int at = head * a.head_dim + f;
    Floats<N> first = load<N>(x + at);
    Floats<N> second = load<N>(x + at + a.frequencies);
#pragma unroll
    for (int j = 0; j < N; ++j) {
      const auto [cosine, sine] = turn[f + j];
      const float x1 = first.v[j];
      const float x2 = second.v[j];
      first.v[j] = x1 * cosine - x2 * sine;
      second.v[j] = x2 * cosine + x1 * sine;
    }
    store<N>(y + at, first);
    store<N>(y + at + a.frequencies, second);
  }
}

template <int N, class T>
__device__ void copy_the_rest(const Rotary& a, const T* x, T* y) {
  for (int c = static_cast<int>(threadIdx.x) * N; c < a.columns; c += kRotaryThreads * N) {
    const int head = c / a.head_dim;
    if (turns(a, head) && c - head * a.head_dim < 2 * a.frequencies) continue;
    store<N>(y + c, load<N>(x + c));
  }
}

template <class T>
__device__ void rotary(const Rotary& a) {
  extern __shared__ Turn turn[];
  const std::int64_t row = blockIdx.x;
  const auto position = static_cast<float>(a.positions[row]);
  for (int f = static_cast<int>(threadIdx.x); f < a.frequencies; f += kRotaryThreads) {
    float sine;
    float cosine;
    sincosf(position * a.inverse_frequencies[f], &sine, &cosine);
    turn[f] = {cosine * a.scaling, sine * a.scaling * a.sign};
  }
  __syncthreads();
  const T* const x = static_cast<const T*>(a.x) + row * a.columns;
  T* const y = static_cast<T*>(a.y) + row * a.columns;
  if (a.head_dim % kPack<T> == 0 && a.frequencies % kPack<T> == 0) {
    rotate_heads<kPack<T>>(a, x, y, turn);
    if (x != y) copy_the_rest<kPack<T>>(a, x, y);
  } else {
    rotate_heads<1>(a, x, y, turn);
    if (x != y) copy_the_rest<1>(a, x, y);
  }
}

ATTUNE_ENTRIES(rotary, Rotary, kRotaryThreads)

}  // namespace
}  // namespace attune::cuda
