// attention_backward, gradients of keys and values: p = exp(score - lse) is made again tile by tile; dv = p^T
// do, ds = p (do v^T - delta), dk = scale ds^T q; see kernels/attention.h. A block has a tile of keys, a warp
// 16 of them, and all queries of the heads of its group pass by, so that nothing is added across blocks
// (FlashAttention-2, Dao 2023, but for the queries' gradient, which has a kernel of its own). Scores are kept
// transposed: they are the left factor of the next product as they lie.

#pragma once

#include "kernels/cuda/attention_gradient.cuh"

namespace attune::cuda {

/// Gradients of a tile of keys, of values, or of both.
template <class T, int D, bool Keys, bool Values>
__device__ void key_gradients(const AttentionBackward& a) {
  using M = GradientMemory<T, D>;
  constexpr int kThreads = M::kTiles.threads;
  constexpr int N = M::kPassing / 8;
  extern __shared__ uint4 shared_memory[];
  const M shared{reinterpret_cast<T*>(shared_memory)};
  const int head_dim = a.counts.head_dim;
  const int kv_head = static_cast<int>(blockIdx.y);
  const SegmentTile tile =
      tile_of(a.segments.keys, a.segments.count, 1, M::kTiles.rows, static_cast<int>(blockIdx.x));
  if (tile.segment < 0) return;
  const Segment segment = segment_at(a.segments, tile.segment);
  const Sight sight(a.rule, segment);
  const Range seeing =
      segment.queries_at(sight.queries_of(tile.first, min(tile.first + M::kTiles.rows, segment.keys) - 1));
  const int tiles_of_head = (max(0, seeing.to - seeing.from) + M::kPassing - 1) / M::kPassing;
  const int tiles = tiles_of_head * a.counts.group;
  const auto head_of = [&](int i) { return kv_head * a.counts.group + i / tiles_of_head; };
  const auto query_of = [&](int i) { return seeing.from + i % tiles_of_head * M::kPassing; };
  auto* const statistics = shared.template beside<RowStatistics>();

  const auto load_queries = [&](int i) {
    if (i < tiles) {
      const int head = head_of(i);
      const int query = query_of(i);
      const auto q = rows_of<const T>(a.q, head, segment.query_row, segment.queries).from(query);
      const auto d_o = rows_of<const T>(a.d_o, head, segment.query_row, segment.queries).from(query);
      load_tile<T, D, kThreads>(shared.passing(0, i), q, M::kPassing, head_dim);
      load_tile<T, D, kThreads>(shared.passing(1, i), d_o, M::kPassing, head_dim);
      const int row = static_cast<int>(threadIdx.x);
      if (row < M::kPassing) {
        const bool there = query + row < segment.queries;
        const std::int64_t at = head * a.rows + segment.query_row + (there ? query + row : 0);
        copy_async_8(statistics + i % 2 * M::kPassing + row, a.statistics + at, there ? 8 : 0);
      }
    }
    commit_copies();
  };
  clear_padding<T, D, kThreads>(shared.shared, M::kAllRows, head_dim);
  const auto k = rows_of<const T>(a.k, kv_head, segment.key_row, segment.keys).from(tile.first);
  load_tile<T, D, kThreads>(shared.own(0), k, M::kTiles.rows, head_dim);
  if constexpr (Keys) {
    const auto v = rows_of<const T>(a.v, kv_head, segment.key_row, segment.keys).from(tile.first);
    load_tile<T, D, kThreads>(shared.own(1), v, M::kTiles.rows, head_dim);
  }
  load_queries(0);

  const int own = warp_id() * 16;
  const int first_key = tile.first + own;
  const bool plain = is_plain(a.rule);
  float dk[Keys ? D / 8 : 1][4] = {};
  float dv[Values ? D / 8 : 1][4] = {};
  for (int i = 0; i < tiles; ++i) {
    wait_copies<0>();
    __syncthreads();
    load_queries(i + 1);
    const int query = query_of(i);
    float s[N][4] = {};
    float dp[N][4] = {};
    multiply_tiles<T, D>(s, shared.own_of_warp(0), shared.passing(0, i));
    if constexpr (Keys) multiply_tiles<T, D>(dp, shared.own_of_warp(1), shared.passing(1, i));
    const RowStatistics* const of_tile = statistics + i % 2 * M::kPassing + lane_id() % 4 * 2;
    if (plain && sight.all_see(segment.position_of(query), segment.position_of(query + M::kPassing - 1),
                               first_key, 16)) {
      simple_gradients(a.rule, [&](int n, int j) { return of_tile[n * 8 + j % 2]; }, s, dp);
    } else {
      const int head = head_of(i);
      const float* const bias = bias_of(a.rule, head);
      const int key = first_key + lane_id() / 4;
      const Range queries[2]{sight.queries_of(key), sight.queries_of(key + 8)};
#pragma unroll
      for (int n = 0; n < N; ++n) {
        float factor[4]{1.0F, 1.0F, 1.0F, 1.0F};
        if (a.rule.dropout) {
          dropout_of_queries(a.rule, segment.query_row + query + n * 8, a.counts.heads, head, first_key,
                             factor);
        }
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          const int position = segment.position_of(query + n * 8 + lane_id() % 4 * 2 + j % 2);
          const ElementGradient gradient =
              gradient_of(a.rule, of_tile[n * 8 + j % 2], s[n][j], dp[n][j], bias, key + j / 2 * 8 - position,
                          factor[j], queries[j / 2].has(position));
          s[n][j] = gradient.kept;
          dp[n][j] = gradient.d_product;
        }
      }
    }
    if constexpr (Values) multiply<T, D>(dv, s, shared.passing(1, i));
    if constexpr (Keys) multiply<T, D>(dk, dp, shared.passing(0, i));
  }
  // Without a query there was no barrier, and copies of the keys may still be arriving where the results pass
  // through.
  wait_copies<0>();
  __syncthreads();
  if constexpr (Keys) {
    if (a.dk.data != nullptr) {
      const auto to = rows_of<T>(a.dk, kv_head, segment.key_row, segment.keys).from(first_key);
      store_rows<T, D>(to, dk, {a.rule.scale, a.rule.scale}, shared.own_of_warp(0), head_dim);
    }
  }
  if constexpr (Values) {
    if (a.dv.data != nullptr) {
      const auto to = rows_of<T>(a.dv, kv_head, segment.key_row, segment.keys).from(first_key);
      store_rows<T, D>(to, dv, {1.0F, 1.0F}, shared.own_of_warp(0), head_dim);
    }
  }
}

}  // namespace attune::cuda
