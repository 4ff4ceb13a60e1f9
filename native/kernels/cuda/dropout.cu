// dropout: y[i] = x[i] / (1 - p), or 0 where word i % 4 of philox(key, i / 4) is below the threshold of p. y
// may be x. The backward is the same op on dy: the mask is made again.

#include "kernels/cuda/dropout.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/philox.cuh"

namespace attune::cuda {
namespace {

/// A dropped element is 0 even where x is not finite.
__device__ inline float kept(const Dropout& a, std::uint32_t word, float x) {
  return word < a.threshold ? 0.0F : a.factor * x;
}

/// Elements i to i + 3, i a multiple of 4: those of one counter.
__device__ inline void drop_four(const Dropout& a, std::int64_t i, float* values) {
  const PhiloxWords words = philox(*a.random, a.stream, static_cast<std::uint64_t>(i / 4));
#pragma unroll
  for (int j = 0; j < 4; ++j) values[j] = kept(a, words.word[j], values[j]);
}

__device__ inline float drop_one(const Dropout& a, std::int64_t i, float value) {
  const PhiloxWords words = philox(*a.random, a.stream, static_cast<std::uint64_t>(i / 4));
  const std::uint32_t low = i % 2 == 0 ? words.word[0] : words.word[1];
  const std::uint32_t high = i % 2 == 0 ? words.word[2] : words.word[3];
  return kept(a, i % 4 < 2 ? low : high, value);
}

template <class T>
__device__ void dropout(const Dropout& a) {
  for_pack<T>(a.count, [&]<int N>(std::int64_t i, Count<N>) {
    Floats<N> values = load<N>(static_cast<const T*>(a.x) + i);
    if constexpr (N == 1) {
      values.v[0] = drop_one(a, i, values.v[0]);
    } else {
#pragma unroll
      for (int j = 0; j < N; j += 4) drop_four(a, i + j, values.v + j);
    }
    store<N>(static_cast<T*>(a.y) + i, values);
  });
}

ATTUNE_ENTRIES(dropout, Dropout, kPackThreads)

}  // namespace
}  // namespace attune::cuda
