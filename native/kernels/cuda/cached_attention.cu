// cached_attention: new keys and values into the caches, and what the parts of the keys gave made one; see
// kernels/attention.h.

#include "kernels/cuda/cached_attention.h"

#include "kernels/cuda/attention_rows.cuh"
#include "kernels/cuda/attention_softmax.cuh"

namespace attune::cuda {
namespace {

template <int N, class T>
__device__ void append_row(const CacheAppend& a, std::int64_t row, std::int64_t place) {
  for (int c = static_cast<int>(threadIdx.x) * N; c < a.columns; c += kAppendThreads * N) {
    const int head = c / a.head_dim;
    const int column = c % a.head_dim;
    const auto k = rows_of<const T>(a.k, head, row, 1);
    const auto v = rows_of<const T>(a.v, head, row, 1);
    store<N>(static_cast<T*>(a.k_cache) + place * a.columns + c, load<N>(k.data + column));
    store<N>(static_cast<T*>(a.v_cache) + place * a.columns + c, load<N>(v.data + column));
  }
}

template <class T>
__device__ void cache_append(const CacheAppend& a) {
  const std::int64_t row = blockIdx.x;
  const Segments& all = a.segments;
  const int s = segment_of_row(all.keys, all.count, row);
  const std::int64_t place = all.slots[s] * all.capacity + all.lengths[s] + (row - all.keys[s]);
  if (a.head_dim % kPack<T> == 0) {
    append_row<kPack<T>, T>(a, row, place);
  } else {
    append_row<1, T>(a, row, place);
  }
}

template <class T>
__device__ void combine_partials(const CombinePartials& a) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * (kCombineThreads / kWarp) + warp_id();
  if (row >= a.rows) return;
  float highest = -kInfinity;
  for (int i = 0; i < a.splits; ++i) highest = fmaxf(highest, a.partials[i * a.rows + row].highest);
  const float reference = reference_of(highest);
  float sum = 0.0F;
  for (int i = 0; i < a.splits; ++i) {
    const PartialSoftmax partial = a.partials[i * a.rows + row];
    sum += partial.sum * exp2_fast(partial.highest - reference);
  }
  const float inverse = sum > 0.0F ? 1.0F / sum : 0.0F;
  for (int c = lane_id(); c < a.head_dim; c += kWarp) {
    float o = 0.0F;
    for (int i = 0; i < a.splits; ++i) {
      const float weight = exp2_fast(a.partials[i * a.rows + row].highest - reference);
      o += weight * a.o[(i * a.rows + row) * a.head_dim + c];
    }
    static_cast<T*>(a.to)[row * a.head_dim + c] = from_float<T>(o * inverse);
  }
}

ATTUNE_ENTRIES(cache_append, CacheAppend, kAppendThreads)
ATTUNE_ENTRIES(combine_partials, CombinePartials, kCombineThreads)

}  // namespace
}  // namespace attune::cuda
