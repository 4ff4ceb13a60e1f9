// attention_backward, gradients of queries and of the bias table: dq = scale ds k, with ds as in
// attention_key_gradient.cuh. A block has a tile of queries of one head, a warp 16 of them, and the keys pass
// by.

#pragma once

#include "kernels/cuda/attention_gradient.cuh"

namespace attune::cuda {

/// A block's part of the bias table's gradient: its scores' gradients, summed along diagonals, where the
/// distance is the same, and these by buckets, which are runs of diagonals.
template <class T, int D>
struct BiasGradient {
  using M = GradientMemory<T, D>;
  static constexpr int kDiagonals = M::kTiles.rows + M::kPassing - 1;
  static_assert(kDiagonals <= M::kTiles.threads);

  const AttentionBackward& a;
  float* d_scores;  ///< (rows, passing) in shared memory
  float* diagonals;
  float* sums;  ///< (buckets, heads), those of one head

  __device__ BiasGradient(const AttentionBackward& arguments, const M& shared, int head)
      : a(arguments),
        d_scores(shared.template beside<float>()),
        diagonals(d_scores + M::kTiles.rows * M::kPassing),
        sums(a.d_bias == nullptr
                 ? nullptr
                 : a.d_bias + static_cast<std::int64_t>(blockIdx.x) * a.bucket_count * a.counts.heads +
                       head) {}

  [[nodiscard]] __device__ bool wanted() const { return sums != nullptr; }
  __device__ void clear() const {
    if (!wanted()) return;
    for (int b = static_cast<int>(threadIdx.x); b < a.bucket_count; b += M::kTiles.threads)
      sums[b * a.counts.heads] = 0.0F;
  }
  [[nodiscard]] __device__ int bucket(int distance) const {
    const int reach = a.rule.bias_reach;
    return a.buckets[reach + max(-reach, min(reach, distance))];
  }
  /// `query`, `key`: of the first row and column.
  __device__ void add_tile(int query, int key) const {
    const int distance = key - query - (M::kTiles.rows - 1);  // of the first diagonal
    const int only = bucket(distance);
    __syncthreads();
    // Buckets grow with the distance: far away a whole tile is in one.
    if (bucket(distance + kDiagonals - 1) == only) {
      add_whole(only);
    } else {
      add_diagonals(distance);
    }
  }

 private:
  __device__ void add_whole(int only) const {
    float sum = 0.0F;
    for (int i = static_cast<int>(threadIdx.x); i < M::kTiles.rows * M::kPassing; i += M::kTiles.threads) {
      sum += d_scores[i];
    }
    sum = warp_sum(sum);
    if (lane_id() == 0) diagonals[warp_id()] = sum;
    __syncthreads();
    if (threadIdx.x > 0) return;
    for (int warp = 1; warp < M::kTiles.warps; ++warp) sum += diagonals[warp];
    sums[only * a.counts.heads] += sum;
  }

  /// The first thread of a bucket's diagonals adds them.
  __device__ void add_diagonals(int distance) const {
    const int own = static_cast<int>(threadIdx.x);
    if (own < kDiagonals) {
      float sum = 0.0F;
      const int first_row = max(0, M::kTiles.rows - 1 - own);
      const int last_row = min(M::kTiles.rows - 1, kDiagonals - 1 - own);
      for (int row = first_row; row <= last_row; ++row) {
        sum += d_scores[row * M::kPassing + row + own - (M::kTiles.rows - 1)];
      }
      diagonals[own] = sum;
    }
    __syncthreads();
    if (own >= kDiagonals) return;
    const int wanted = bucket(distance + own);
    if (own > 0 && bucket(distance + own - 1) == wanted) return;
    float sum = 0.0F;
    for (int i = own; i < kDiagonals && bucket(distance + i) == wanted; ++i) sum += diagonals[i];
    sums[wanted * a.counts.heads] += sum;
  }
};

template <class T, int D>
__device__ void query_gradients(const AttentionBackward& a) {
  using M = GradientMemory<T, D>;
  constexpr int kThreads = M::kTiles.threads;
  constexpr int N = M::kPassing / 8;
  extern __shared__ uint4 shared_memory[];
  const M shared{reinterpret_cast<T*>(shared_memory)};
  const int head_dim = a.counts.head_dim;
  const int head = static_cast<int>(blockIdx.y);
  const BiasGradient<T, D> d_bias(a, shared, head);
  d_bias.clear();
  const SegmentTile tile =
      tile_of(a.segments.queries, a.segments.count, 1, M::kTiles.rows, static_cast<int>(blockIdx.x));
  if (tile.segment < 0) return;
  const Segment segment = segment_at(a.segments, tile.segment);
  const Sight sight(a.rule, segment);
  const int past_tile = min(tile.first + M::kTiles.rows, segment.queries);
  const Range seen = sight.keys_of(segment.position_of(tile.first), segment.position_of(past_tile - 1));
  const int begin = seen.from / M::kPassing * M::kPassing;
  const int tiles = (max(0, seen.to - begin) + M::kPassing - 1) / M::kPassing;
  const auto k = rows_of<const T>(a.k, head / a.counts.group, segment.key_row, segment.keys);
  const auto v = rows_of<const T>(a.v, head / a.counts.group, segment.key_row, segment.keys);

  const auto load_keys = [&](int i) {
    if (i < tiles) {
      const int key = begin + i * M::kPassing;
      load_tile<T, D, kThreads>(shared.passing(0, i), k.from(key), M::kPassing, head_dim);
      load_tile<T, D, kThreads>(shared.passing(1, i), v.from(key), M::kPassing, head_dim);
    }
    commit_copies();
  };
  clear_padding<T, D, kThreads>(shared.shared, M::kAllRows, head_dim);
  const auto q = rows_of<const T>(a.q, head, segment.query_row, segment.queries).from(tile.first);
  const auto d_o = rows_of<const T>(a.d_o, head, segment.query_row, segment.queries).from(tile.first);
  load_tile<T, D, kThreads>(shared.own(0), q, M::kTiles.rows, head_dim);
  load_tile<T, D, kThreads>(shared.own(1), d_o, M::kTiles.rows, head_dim);
  load_keys(0);

  const int own = warp_id() * 16;
  const int first_query = tile.first + own;
  const float* const bias = bias_of(a.rule, head);
  const bool plain = is_plain(a.rule);
  RowStatistics statistics[2] = {};
  int position[2];
  Range keys[2];
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const int query = first_query + lane_id() / 4 + i * 8;
    if (query < segment.queries) statistics[i] = a.statistics[head * a.rows + segment.query_row + query];
    position[i] = segment.position_of(query);
    keys[i] = sight.keys_of(position[i]);
  }
  const int first_position = segment.position_of(first_query);
  const int last_position = segment.position_of(first_query + 15);
  float dq[D / 8][4] = {};
  for (int i = 0; i < tiles; ++i) {
    wait_copies<0>();
    __syncthreads();
    load_keys(i + 1);
    const int key = begin + i * M::kPassing;
    float s[N][4] = {};
    float dp[N][4] = {};
    multiply_tiles<T, D>(s, shared.own_of_warp(0), shared.passing(0, i));
    multiply_tiles<T, D>(dp, shared.own_of_warp(1), shared.passing(1, i));
    if (plain && sight.all_see(first_position, last_position, key, M::kPassing)) {
      simple_gradients(a.rule, [&](int, int j) { return statistics[j / 2]; }, s, dp);
    } else {
#pragma unroll
      for (int n = 0; n < N; ++n) {
        float factor[4]{1.0F, 1.0F, 1.0F, 1.0F};
        if (a.rule.dropout) {
          dropout_of_keys(a.rule, segment.query_row + first_query, a.counts.heads, head, key + n * 8, factor);
        }
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          const int column = n * 8 + lane_id() % 4 * 2 + j % 2;
          const ElementGradient gradient =
              gradient_of(a.rule, statistics[j / 2], s[n][j], dp[n][j], bias, key + column - position[j / 2],
                          factor[j], keys[j / 2].has(key + column));
          dp[n][j] = gradient.d_product;
          if (d_bias.wanted()) {
            d_bias.d_scores[(own + lane_id() / 4 + j / 2 * 8) * M::kPassing + column] = gradient.d_score;
          }
        }
      }
    }
    if (d_bias.wanted()) d_bias.add_tile(tile.first, key);
    multiply<T, D>(dq, dp, shared.passing(0, i));
  }
  wait_copies<0>();
  __syncthreads();
  if (a.dq.data == nullptr) return;
  const auto to = rows_of<T>(a.dq, head, segment.query_row, segment.queries).from(first_query);
  store_rows<T, D>(to, dq, {a.rule.scale, a.rule.scale}, shared.own_of_warp(0), head_dim);
}

}  // namespace attune::cuda
