// embedding: y[t] = table[ids[t]], or the row of token_rows in its place; embedding_backward: dtable[v] +=
// sum over tokens t of that row of dy[t]. See kernels/cpu/embedding.cpp for the tensors.
//
// The backward's rows are sums in the order of the tokens, so that their bits do not depend on the order in
// which threads run. Integers are counted with atomics: how many tokens a row has, then where each stands in
// a list row by row. Where a row's list begins and how it is ordered inside depends on the threads' order;
// both vanish as a token's rank is counted, the tokens of its row before it.

#include "kernels/cuda/embedding.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/quantized.cuh"
#include "kernels/cuda/token_row.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {
namespace {

__device__ inline std::int64_t thread_of_grid() {
  return static_cast<std::int64_t>(blockIdx.x) * kEmbeddingThreads + threadIdx.x;
}

/// A block has a token.
template <class T>
__device__ void embedding(const Embedding& a) {
  const std::int64_t t = blockIdx.x;
  const std::int32_t id = a.ids[t];
  const std::int32_t apart = token_row(a.tokens, id);
  T* const y = static_cast<T*>(a.y) + t * a.columns;
  if (a.transposed) {
    for (std::int64_t c = threadIdx.x; c < a.columns; c += kEmbeddingThreads)
      y[c] = from_float<T>(element(a.table, c * a.vocabulary + id));
    return;
  }
  const FloatTensor& table = apart < 0 ? a.table : a.token_rows;
  const std::int64_t at = (apart < 0 ? id : apart) * a.columns;
  for_row<T>(a.columns, static_cast<int>(threadIdx.x), kEmbeddingThreads,
             [&]<int N>(std::int64_t c, Count<N>) { store<N>(y + c, load<N>(table, at + c)); });
}

/// The same of a table in fewer bits.
template <class T>
__device__ void embedding_quantized(const Embedding& a) {
  const std::int64_t t = blockIdx.x;
  const std::int32_t id = a.ids[t];
  const std::int32_t apart = token_row(a.tokens, id);
  T* const y = static_cast<T*>(a.y) + t * a.columns;
  for (std::int64_t c = threadIdx.x; c < a.columns; c += kEmbeddingThreads) {
    y[c] = from_float<T>(apart < 0 ? quantized_element(a.quantized, id * a.columns + c)
                                   : element(a.token_rows, apart * a.columns + c));
  }
}

// ---- the backward's lists: a thread has a token, or a row

/// The row of the gradient's table that a token adds to; -1: none.
__device__ inline std::int32_t gradient_row(const EmbeddingBackward& a, std::int32_t id) {
  if (id == a.padding_index) return -1;
  const std::int32_t apart = token_row(a.tokens, id);
  if (a.token_gradient) return apart;
  return apart < 0 ? id : -1;
}

__device__ inline std::int32_t segments_of(std::int32_t count) {
  return (count + kEmbeddingSegment - 1) / kEmbeddingSegment;
}

extern "C" __global__ __launch_bounds__(kEmbeddingThreads) void embedding_count(
    const __grid_constant__ EmbeddingBackward a) {
  const std::int64_t t = thread_of_grid();
  if (t >= a.token_count) return;
  const std::int32_t row = gradient_row(a, a.ids[t]);
  a.row[t] = row;
  if (row >= 0) a.slot[t] = atomicAdd(a.count + row, 1);
}

extern "C" __global__ __launch_bounds__(kEmbeddingThreads) void embedding_start(
    const __grid_constant__ EmbeddingBackward a) {
  const std::int64_t row = thread_of_grid();
  if (row >= a.rows) return;
  const std::int32_t count = a.count[row];
  if (count == 0) return;
  a.start[row] = atomicAdd(a.placed, count);
  const std::int32_t segments = segments_of(count);
  if (segments == 1) return;
  const std::int32_t first = atomicAdd(a.sums, segments);
  a.sum_start[row] = first;
  for (std::int32_t i = 0; i < segments; ++i)
    a.sum_row[first + i] = i == 0 ? static_cast<std::int32_t>(row) : -1;
}

extern "C" __global__ __launch_bounds__(kEmbeddingThreads) void embedding_list(
    const __grid_constant__ EmbeddingBackward a) {
  const std::int64_t t = thread_of_grid();
  if (t >= a.token_count) return;
  const std::int32_t row = a.row[t];
  if (row >= 0) a.listed[a.start[row] + a.slot[t]] = static_cast<std::int32_t>(t);
}

/// Threads with the same row read the same list, so each read serves a warp.
extern "C" __global__ __launch_bounds__(kEmbeddingThreads) void embedding_order(
    const __grid_constant__ EmbeddingBackward a) {
  const std::int64_t t = thread_of_grid();
  if (t >= a.token_count) return;
  const std::int32_t row = a.row[t];
  if (row < 0) return;
  const std::int32_t start = a.start[row];
  const std::int32_t count = a.count[row];
  std::int32_t rank = 0;
#pragma unroll 4
  for (std::int32_t i = 0; i < count; ++i) rank += a.listed[start + i] < t ? 1 : 0;
  a.ordered[start + rank] = static_cast<std::int32_t>(t);
}

// ---- the backward's sums: a warp has a stretch of columns

template <int N>
__device__ inline void add_to_row(const EmbeddingBackward& a, std::int64_t row, std::int64_t c,
                                  Floats<N> sum) {
  if (a.transposed) {
#pragma unroll
    for (int j = 0; j < N; ++j) a.dtable[(c + j) * a.rows + row] += sum.v[j];
    return;
  }
  float* const to = a.dtable + row * a.columns + c;
  const Floats<N> there = load<N>(to);
#pragma unroll
  for (int j = 0; j < N; ++j) sum.v[j] += there.v[j];
  store<N>(to, sum);
}

/// f(c, Count<N>) for the columns of this lane, blockIdx.y's stretch of them.
template <class T, class F>
__device__ inline void for_stretch(const EmbeddingBackward& a, const F& f) {
  const std::int64_t lane = static_cast<std::int64_t>(blockIdx.y) * kWarp + lane_id();
  for_pack_of_row<T>(a.columns, lane, a.columns % kPack<T> == 0, f);
}

/// A warp has a token in order; the first of a segment sums it.
template <class T>
__device__ void embedding_sum(const EmbeddingBackward& a) {
  const std::int64_t at = warp_of_grid();
  if (at >= *a.placed) return;
  const std::int32_t* const tokens = a.ordered + at;
  const std::int32_t row = a.row[tokens[0]];
  const auto rank = static_cast<std::int32_t>(at - a.start[row]);
  if (rank % kEmbeddingSegment != 0) return;
  const std::int32_t count = min(a.count[row] - rank, kEmbeddingSegment);
  const bool alone = a.count[row] <= kEmbeddingSegment;
  for_stretch<T>(a, [&]<int N>(std::int64_t c, Count<N>) {
    Floats<N> sum{};
#pragma unroll 4
    for (std::int32_t i = 0; i < count; ++i) {
      const Floats<N> d = load<N>(static_cast<const T*>(a.dy) + tokens[i] * a.columns + c);
#pragma unroll
      for (int j = 0; j < N; ++j) sum.v[j] += d.v[j];
    }
    if (alone) {
      add_to_row<N>(a, row, c, sum);
    } else {
      store<N>(a.segment_sums + (a.sum_start[row] + rank / kEmbeddingSegment) * a.columns + c, sum);
    }
  });
}

/// A warp has a sum of a segment; a row's first adds all of the row.
extern "C" __global__ __launch_bounds__(kEmbeddingThreads) void embedding_sum_segments(
    const __grid_constant__ EmbeddingBackward a) {
  const std::int64_t first = warp_of_grid();
  if (first >= *a.sums) return;
  const std::int32_t row = a.sum_row[first];
  if (row < 0) return;
  const std::int32_t segments = segments_of(a.count[row]);
  for_stretch<float>(a, [&]<int N>(std::int64_t c, Count<N>) {
    Floats<N> sum{};
#pragma unroll 4
    for (std::int32_t i = 0; i < segments; ++i) {
      const Floats<N> more = load<N>(a.segment_sums + (first + i) * a.columns + c);
#pragma unroll
      for (int j = 0; j < N; ++j) sum.v[j] += more.v[j];
    }
    add_to_row<N>(a, row, c, sum);
  });
}

ATTUNE_ENTRIES(embedding, Embedding, kEmbeddingThreads)
ATTUNE_ENTRIES(embedding_quantized, Embedding, kEmbeddingThreads)
ATTUNE_ENTRIES(embedding_sum, EmbeddingBackward, kEmbeddingThreads)

}  // namespace
}  // namespace attune::cuda
