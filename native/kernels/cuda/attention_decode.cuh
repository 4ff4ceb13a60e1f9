// cached_attention for few tokens of each sequence: the queries of a key head's group, so that its keys are
// read once, against a part of the keys (flash-decoding, Dao et al. 2023). Warps share the keys of a tile and
// have a softmax each; a block writes its part, and combine_partials of cached_attention.cu makes one of them
// all. The time is that of reading the cache.

#pragma once

#include "kernels/cuda/attention_rows.cuh"
#include "kernels/cuda/attention_softmax.cuh"
#include "kernels/cuda/cached_attention.h"

namespace attune::cuda {

/// Shared memory of a block: two buffers of keys and values, and its queries. What the warps found takes the
/// buffers' place at the end.
template <class T, int D>
struct DecodeMemory {
  static constexpr AttentionTiles kTiles = decode_tiles(sizeof(T), D);
  static constexpr int kTileElements = kTiles.passing * kPitch<T, D>;
  static constexpr int kRowFloats = D + 2;  ///< o, the highest score and the sum
  static_assert(kTiles.warps * kDecodeRows * kRowFloats * sizeof(float) <= 4 * kTileElements * sizeof(T));

  T* shared;
  [[nodiscard]] __device__ T* keys(int tile) const { return shared + tile % 2 * 2 * kTileElements; }
  [[nodiscard]] __device__ T* values(int tile) const { return keys(tile) + kTileElements; }
  [[nodiscard]] __device__ T* queries() const { return shared + 4 * kTileElements; }
  [[nodiscard]] __device__ float* found(int warp, int row) const {
    return reinterpret_cast<float*>(shared) + (warp * kDecodeRows + row) * kRowFloats;
  }
};

/// Rows of a block: `first`, ... of those that tokens and heads of the group make in a segment.
struct DecodeRows {
  int first;
  int group;
  int first_head;
  int count;  ///< in the segment
  [[nodiscard]] __device__ bool there(int row) const { return first + row < count; }
  [[nodiscard]] __device__ int token(int row) const { return (first + row) / group; }
  [[nodiscard]] __device__ int head(int row) const { return first_head + (first + row) % group; }
};

template <class T, int D>
__device__ inline void write_found(const DecodeMemory<T, D>& shared, const RunningSoftmax<D>& softmax) {
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    float* const to = shared.found(warp_id(), lane_id() / 4 + i * 8);
#pragma unroll
    for (int n = 0; n < D / 8; ++n) {
      to[n * 8 + lane_id() % 4 * 2] = softmax.o[n][2 * i];
      to[n * 8 + lane_id() % 4 * 2 + 1] = softmax.o[n][2 * i + 1];
    }
    const float sum = row_sum(softmax.sum[i]);
    if (lane_id() % 4 == 0) {
      to[D] = softmax.highest[i];
      to[D + 1] = sum;
    }
  }
}

/// What the warps found for one row, made one by one warp.
template <class T, int D>
__device__ inline void write_partial(const AttentionDecode& a, const DecodeMemory<T, D>& shared, int row,
                                     std::int64_t at) {
  constexpr int kWarps = DecodeMemory<T, D>::kTiles.warps;
  float weights[kWarps];
  float highest = -kInfinity;
  float sum = 0.0F;
#pragma unroll
  for (int w = 0; w < kWarps; ++w) highest = fmaxf(highest, shared.found(w, row)[D]);
#pragma unroll
  for (int w = 0; w < kWarps; ++w) {
    weights[w] = exp2_fast(shared.found(w, row)[D] - reference_of(highest));
    sum += weights[w] * shared.found(w, row)[D + 1];
  }
  for (int c = lane_id(); c < a.counts.head_dim; c += kWarp) {
    float o = 0.0F;
#pragma unroll
    for (int w = 0; w < kWarps; ++w) o += weights[w] * shared.found(w, row)[c];
    a.o[at * a.counts.head_dim + c] = o;
  }
  if (lane_id() == 0) a.partials[at] = {highest, sum};
}

template <class T, int D>
__device__ void attention_decode(const AttentionDecode& a) {
  using M = DecodeMemory<T, D>;
  constexpr int kThreads = M::kTiles.threads;
  constexpr int kKeys = M::kTiles.passing;
  constexpr int kKeysOfWarp = kKeys / M::kTiles.warps;
  extern __shared__ uint4 shared_memory[];
  const M shared{reinterpret_cast<T*>(shared_memory)};
  const int head_dim = a.counts.head_dim;
  const int group = a.counts.group;
  const int kv_head = static_cast<int>(blockIdx.y);
  const auto split = static_cast<int>(blockIdx.z);
  const SegmentTile tile =
      tile_of(a.segments.queries, a.segments.count, group, kDecodeRows, static_cast<int>(blockIdx.x));
  if (tile.segment < 0) return;
  const Segment segment = segment_at(a.segments, tile.segment);
  const Sight sight(a.rule, segment);
  const DecodeRows rows{tile.first, group, kv_head * group, segment.queries * group};
  const int last_row = min(kDecodeRows, rows.count - rows.first) - 1;
  const Range seen = sight.keys_of(segment.position + rows.token(0), segment.position + rows.token(last_row));
  const int all_tiles = (max(0, seen.to - seen.from) + kKeys - 1) / kKeys;
  const int share = (all_tiles + a.splits - 1) / a.splits;
  const int begin = seen.from + split * share * kKeys;
  const int tiles = max(0, min(share, all_tiles - split * share));
  const auto k = rows_of<const T>(a.k, kv_head, segment.key_row, segment.keys);
  const auto v = rows_of<const T>(a.v, kv_head, segment.key_row, segment.keys);

  const auto load_keys = [&](int i) {
    if (i < tiles) {
      load_tile<T, D, kThreads>(shared.keys(i), k.from(begin + i * kKeys), kKeys, head_dim);
      load_tile<T, D, kThreads>(shared.values(i), v.from(begin + i * kKeys), kKeys, head_dim);
    }
    commit_copies();
  };
  clear_padding<T, D, kThreads>(shared.shared, 4 * kKeys + kDecodeRows, head_dim);
#pragma unroll 1
  for (int row = 0; row < kDecodeRows; ++row) {
    const bool there = rows.there(row);
    const auto q = rows_of<const T>(a.q, there ? rows.head(row) : 0,
                                    there ? segment.query_row + rows.token(row) : 0, there);
    load_tile<T, D, kThreads>(shared.queries() + row * kPitch<T, D>, q, 1, head_dim);
  }
  load_keys(0);

  QueryRows queries;
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const int row = lane_id() / 4 + i * 8;
    queries.bias[i] = rows.there(row) ? bias_of(a.rule, rows.head(row)) : bias_of(a.rule, 0);
    // Past the end a row sees nothing.
    queries.query[i] = rows.there(row) ? segment.position + rows.token(row) : sight.queries_end;
  }
  const auto left = [&](int depth) {
    return Fragments<T>::load_left(shared.queries() + depth, kPitch<T, D>);
  };
  RunningSoftmax<D> softmax;
  const int own = warp_id() * kKeysOfWarp;
  for (int i = 0; i < tiles; ++i) {
    wait_copies<0>();
    __syncthreads();
    load_keys(i + 1);
    float s[kKeysOfWarp / 8][4] = {};
    multiply_by_rows<T, D>(s, left, shared.keys(i) + own * kPitch<T, D>);
    finish_scores(a.rule, sight, queries, begin + i * kKeys + own, false, s);
    softmax.update(s);
    multiply<T, D>(softmax.o, s, shared.values(i) + own * kPitch<T, D>);
  }
  wait_copies<0>();
  __syncthreads();
  write_found(shared, softmax);
  __syncthreads();
  for (int row = warp_id(); row <= last_row; row += M::kTiles.warps) {
    const std::int64_t query = segment.query_row + rows.token(row);
    write_partial(a, shared, row, (split * a.rows + query) * a.counts.heads + rows.head(row));
  }
}

}  // namespace attune::cuda

#define ATTUNE_ATTENTION_DECODE(T, dtype, size)                                                            \
  extern "C" __global__ __launch_bounds__(                                                                 \
      attune::cuda::decode_tiles(sizeof(T), size).threads,                                                 \
      1) void attention_decode_##size##_##dtype(const __grid_constant__ attune::cuda::AttentionDecode a) { \
    attune::cuda::attention_decode<T, size>(a);                                                            \
  }
