// attention: o = softmax(mask(softcap(scale q k^T) + bias)) v for each segment and head; see
// kernels/attention.h. A block has a tile of queries of one head, a warp 16 of them; tiles of keys and values
// pass by, the next one arriving as one is used (FlashAttention-2, Dao 2023).

#pragma once

#include "kernels/cuda/attention_rows.cuh"
#include "kernels/cuda/attention_softmax.cuh"

namespace attune::cuda {

template <class T, int D>
struct Forward {
  static constexpr AttentionTiles kTiles = forward_tiles(sizeof(T), D);
  static constexpr int kKeys = kTiles.passing;
  static constexpr int kTileElements = kKeys * kPitch<T, D>;
  static constexpr bool kQueriesInRegisters = queries_in_registers(sizeof(T), D);
  static_assert(!kQueriesInRegisters || 2 * kKeys >= kTiles.rows);

  /// Keys and values of buffer 0 and 1, then queries.
  T* shared;
  [[nodiscard]] __device__ T* keys(int tile) const { return shared + tile % 2 * 2 * kTileElements; }
  [[nodiscard]] __device__ T* values(int tile) const { return keys(tile) + kTileElements; }
  [[nodiscard]] __device__ T* queries() const {
    return shared + (kQueriesInRegisters ? 2 : 4) * kTileElements;
  }
  [[nodiscard]] __device__ T* queries_of_warp() const { return queries() + warp_id() * 16 * kPitch<T, D>; }
};

/// The left factor of scores: in registers, or read again for every tile.
template <class T, int D, bool InRegisters>
struct Queries {
  const T* at;
  __device__ explicit Queries(const T* shared) : at(shared) {}
  __device__ auto operator()(int depth) const { return Fragments<T>::load_left(at + depth, kPitch<T, D>); }
};
template <class T, int D>
struct Queries<T, D, true> {
  typename Fragments<T>::Left parts[D / kDepth];
  __device__ explicit Queries(const T* shared) {
#pragma unroll
    for (int i = 0; i < D / kDepth; ++i)
      parts[i] = Fragments<T>::load_left(shared + i * kDepth, kPitch<T, D>);
  }
  __device__ const auto& operator()(int depth) const { return parts[depth / kDepth]; }
};

template <class T, int D>
__device__ void attention_forward(const AttentionForward& a) {
  using F = Forward<T, D>;
  constexpr int kThreads = F::kTiles.threads;
  extern __shared__ uint4 shared_memory[];
  const F shared{reinterpret_cast<T*>(shared_memory)};
  const int head_dim = a.counts.head_dim;
  const int head = static_cast<int>(blockIdx.y);
  // A segment's last queries see the most keys: they go first, so that no long block is left for the end.
  const int number = static_cast<int>(gridDim.x - 1 - blockIdx.x);
  const SegmentTile tile = tile_of(a.segments.queries, a.segments.count, 1, F::kTiles.rows, number);
  if (tile.segment < 0) return;
  const Segment segment = segment_at(a.segments, tile.segment);
  const Sight sight(a.rule, segment);
  const auto q = rows_of<const T>(a.q, head, segment.query_row, segment.queries).from(tile.first);
  const auto k = rows_of<const T>(a.k, head / a.counts.group, segment.key_row, segment.keys);
  const auto v = rows_of<const T>(a.v, head / a.counts.group, segment.key_row, segment.keys);
  const int past_tile = min(tile.first + F::kTiles.rows, segment.queries);
  const Range seen = sight.keys_of(segment.position_of(tile.first), segment.position_of(past_tile - 1));
  const int first_key = seen.from / F::kKeys * F::kKeys;
  const int tiles = (max(0, seen.to - first_key) + F::kKeys - 1) / F::kKeys;

  const auto load_keys = [&](int i) {
    if (i < tiles) {
      const int key = first_key + i * F::kKeys;
      load_tile<T, D, kThreads>(shared.keys(i), k.from(key), F::kKeys, head_dim);
      load_tile<T, D, kThreads>(shared.values(i), v.from(key), F::kKeys, head_dim);
    }
    commit_copies();
  };
  clear_padding<T, D, kThreads>(shared.shared, F::kTiles.shared_bytes / (kPitch<T, D> * sizeof(T)), head_dim);
  load_tile<T, D, kThreads>(shared.queries(), q, F::kTiles.rows, head_dim);
  commit_copies();
  load_keys(0);
  wait_copies<1>();
  __syncthreads();
  const Queries<T, D, F::kQueriesInRegisters> left(shared.queries_of_warp());

  const int own = warp_id() * 16;
  QueryRows rows;
  for (int i = 0; i < 2; ++i) {
    rows.bias[i] = bias_of(a.rule, head);
    rows.query[i] = segment.position_of(tile.first + own + lane_id() / 4 + i * 8);
  }
  const int first_query = segment.position_of(tile.first + own);
  const int last_query = segment.position_of(tile.first + own + 15);
  const bool plain = is_plain(a.rule);
  RunningSoftmax<D> softmax;
  for (int i = 0; i < tiles; ++i) {
    wait_copies<0>();
    __syncthreads();
    load_keys(i + 1);
    const int key = first_key + i * F::kKeys;
    float s[F::kKeys / 8][4] = {};
    multiply_by_rows<T, D>(s, left, shared.keys(i));
    finish_scores(a.rule, sight, rows, key, plain && sight.all_see(first_query, last_query, key, F::kKeys),
                  s);
    softmax.update(s);
    if (a.rule.dropout) {
#pragma unroll
      for (int n = 0; n < F::kKeys / 8; ++n) {
        float factor[4];
        dropout_of_keys(a.rule, segment.query_row + tile.first + own, a.counts.heads, head, key + n * 8,
                        factor);
#pragma unroll
        for (int j = 0; j < 4; ++j) s[n][j] *= factor[j];
      }
    }
    multiply<T, D>(softmax.o, s, shared.values(i));
  }
  __syncthreads();

  float inverse[2];
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const float sum = row_sum(softmax.sum[i]);
    inverse[i] = sum > 0.0F ? 1.0F / sum : 0.0F;
    const int row = tile.first + own + lane_id() / 4 + i * 8;
    if (a.lse != nullptr && lane_id() % 4 == 0 && row < segment.queries) {
      // Infinity makes every probability of the backward 0.
      a.lse[(segment.query_row + row) * a.counts.heads + head] =
          sum > 0.0F ? (softmax.highest[i] + log2f(sum)) * kLn2 : kInfinity;
    }
  }
  const auto o = rows_of<T>(a.o, head, segment.query_row, segment.queries).from(tile.first + own);
  store_rows<T, D>(o, softmax.o, inverse, shared.queries_of_warp(), head_dim);
}

}  // namespace attune::cuda
