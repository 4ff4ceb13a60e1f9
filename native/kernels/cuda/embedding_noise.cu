// embedding_noise: see kernels/cpu/embedding_noise.cpp for the formulas. A warp has a row.

#include "kernels/cuda/embedding_noise.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/philox.cuh"
#include "kernels/cuda/segments.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {
namespace {

/// Uniform in [-1, 1): 24 bits, every value is exact.
__device__ float unit(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-23F - 1.0F; }

template <int N>
__device__ void add_noise(const EmbeddingNoise& a, Floats<N>& values, std::int64_t element, float magnitude) {
  constexpr int kWords = 4;
  if constexpr (N == 1) {
    const PhiloxWords words = philox(*a.random, a.stream, element / kWords);
    // Not an index: the words stay in registers.
    const auto word = static_cast<int>(element % kWords);
    const std::uint32_t low = word == 0 ? words.word[0] : words.word[1];
    const std::uint32_t high = word == 2 ? words.word[2] : words.word[3];
    values.v[0] += magnitude * unit(word < 2 ? low : high);
  } else {
#pragma unroll
    for (int i = 0; i < N; i += kWords) {
      const PhiloxWords words = philox(*a.random, a.stream, (element + i) / kWords);
#pragma unroll
      for (int word = 0; word < kWords; ++word) values.v[i + word] += magnitude * unit(words.word[word]);
    }
  }
}

template <class T>
__device__ void embedding_noise(const EmbeddingNoise& a) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * (kNoiseThreads / kWarp) + warp_id();
  if (row >= a.rows) return;
  const int segment = segment_of_row(a.starts, a.segments, row);
  const std::int64_t elements = (a.starts[segment + 1] - a.starts[segment]) * a.columns;
  const float magnitude = a.alpha / sqrtf(static_cast<float>(elements));
  const std::int64_t first = row * a.columns;
  for_row<T>(a.columns, lane_id(), kWarp, [&]<int N>(std::int64_t c, Count<N>) {
    Floats<N> values = load<N>(static_cast<const T*>(a.x) + first + c);
    add_noise<N>(a, values, first + c, magnitude);
    store<N>(static_cast<T*>(a.y) + first + c, values);
  });
}

ATTUNE_ENTRIES(embedding_noise, EmbeddingNoise, kNoiseThreads)

}  // namespace
}  // namespace attune::cuda
