#pragma once

// c = scale (ratio left right + second left right) + bias + addend, in tiles of kTile x kTile. See
// matrix_product.h. Factors are floats or bf16, stored either way; their tiles come into shared memory two
// steps ahead of the product.

#include "kernels/cuda/matrix_tile.cuh"
#include "kernels/cuda/product_epilogue.cuh"
#include "kernels/cuda/quantized_tile.cuh"

namespace attune::cuda {

inline constexpr int kFragmentColumns = 4;  ///< of 8: the 32 columns of a warp
template <int kTile>
inline constexpr int kFragmentRows = kTile / 32;  ///< of 16: half the tile's rows

template <int kTile>
struct TileSums {
  float v[kFragmentRows<kTile>][kFragmentColumns][4];
};

struct TilePlace {
  int row;
  int column;
};

/// Tiles in groups of eight rows of tiles: blocks that run at the same time then read few distinct tiles,
/// which stay in the cache.
template <int kTile>
__device__ inline TilePlace place_of_block(const MatrixProduct& a) {
  constexpr int kGroup = 8;
  const int tile_rows = (a.rows + kTile - 1) / kTile;
  const int tile_columns = (a.columns + kTile - 1) / kTile;
  const int tile = static_cast<int>(blockIdx.x);
  const int group = tile / (kGroup * tile_columns);
  const int within = tile - group * kGroup * tile_columns;
  const int height = min(kGroup, tile_rows - group * kGroup);
  return {(group * kGroup + within % height) * kTile, within / height * kTile};
}

/// Where this warp's part begins within the tile.
template <int kTile>
__device__ inline TilePlace place_of_warp() {
  constexpr int kAcross = kTile / 32;
  return {warp_id() / kAcross * (kTile / 2), warp_id() % kAcross * 32};
}

/// Adds the product over depths [begin, end). One loop for all, the first copies included: the code is long
/// as it is.
template <class T, int kTile, bool kLeftInner, bool kRightInner, bool kQuantized>
__device__ inline void add_product(TileSums<kTile>& sums, const MatrixProduct& a, const ProductTerm& term,
                                   TilePlace block, int begin, int end, char* shared) {
  constexpr int kTileBytes = kTile * kDepthBytes;
  const TilePlace warp = place_of_warp<kTile>();
  const int steps = (end - begin + kTileDepth<T> - 1) / kTileDepth<T>;
  QuantizedTile<T, kTile, kRightInner> codes;
  if constexpr (kQuantized) codes.load(a.quantized, term.right, block.column, a.columns, begin, end);
#pragma unroll 1
  for (int step = 1 - kStages; step < steps; ++step) {
    if (step >= 0) {
      wait_copies<kStages - 2>();
      __syncthreads();  // what all copied is here, and all are done with the tiles that are copied over next
    }
    const int next = step + kStages - 1;
    if (next < steps) {
      char* const tiles = shared + next % kStages * 2 * kTileBytes;
      const int depth = begin + next * kTileDepth<T>;
      copy_tile<T, kTile, kLeftInner>(tiles, term.left, block.row, a.rows, depth, end);
      if constexpr (kQuantized) {
        codes.unpack(tiles + kTileBytes, a.quantized, term.right, block.column, a.columns, depth, end);
        codes.load(a.quantized, term.right, block.column, a.columns, depth + kTileDepth<T>, end);
      } else {
        copy_tile<T, kTile, kRightInner>(tiles + kTileBytes, term.right, block.column, a.columns, depth, end);
      }
    }
    commit_copies();
    if (step >= 0) {
      const char* const tiles = shared + step % kStages * 2 * kTileBytes;
      multiply_tiles<T, kTile, kLeftInner, kRightInner>(sums.v, tiles, tiles + kTileBytes, warp.row,
                                                        warp.column);
    }
  }
  __syncthreads();
}

template <class T, int kTile, bool kLeftInner, bool kQuantized>
__device__ inline void add_term(TileSums<kTile>& sums, const MatrixProduct& a, const ProductTerm& term,
                                TilePlace block, int begin, int end, char* shared) {
  if (term.right.transposed) {
    add_product<T, kTile, kLeftInner, true, kQuantized>(sums, a, term, block, begin, end, shared);
  } else {
    add_product<T, kTile, kLeftInner, false, kQuantized>(sums, a, term, block, begin, end, shared);
  }
}

template <int kTile, class F>
__device__ inline void for_sums(TileSums<kTile>& sums, const F& f) {
#pragma unroll
  for (int m = 0; m < kFragmentRows<kTile>; ++m) {
#pragma unroll
    for (int n = 0; n < kFragmentColumns; ++n) f(16 * m, 8 * n, sums.v[m][n]);
  }
}

/// Half the tile at a time, one row of warps, goes through shared memory, so that whole rows are written.
template <class T, int kTile>
__device__ inline void write_sums(TileSums<kTile>& sums, const MatrixProduct& a, TilePlace block, int split,
                                  char* shared) {
  constexpr int kRows = kTile / 2;
  constexpr int kStride = kTile + 8;  // rows of a fragment lie in banks 0, 8, 16, 24
  constexpr int kQuads = kTile / 4;
  static_assert(kRows * kStride * 4 <= kProductSharedBytes<kTile>);
  float* const tile = reinterpret_cast<float*>(shared);
  const TilePlace warp = place_of_warp<kTile>();
#pragma unroll 1
  for (int half = 0; half < kTile; half += kRows) {
    __syncthreads();
    if (warp.row == half) {
      for_sums<kTile>(sums, [&](int m, int n, const float (&sum)[4]) {
        float* const to = tile + (m + lane_id() / 4) * kStride + warp.column + n + lane_id() % 4 * 2;
        *reinterpret_cast<float2*>(to) = {sum[0], sum[1]};
        *reinterpret_cast<float2*>(to + 8 * kStride) = {sum[2], sum[3]};
      });
    }
    __syncthreads();
#pragma unroll 1
    for (int at = static_cast<int>(threadIdx.x); at < kRows * kQuads; at += kProductThreads<kTile>) {
      const int row = at / kQuads;
      const int column = at % kQuads * 4;
      if (block.row + half + row < a.rows)
        put_quad<T>(a, split, block.row + half + row, block.column + column, tile + row * kStride + column);
    }
  }
}

/// A block's tile, or its share of the depth. The second term belongs to the first split.
template <class T, int kTile, bool kLeftInner, bool kQuantized>
__device__ inline void multiply(const MatrixProduct& a) {
  extern __shared__ __align__(128) char shared[];
  const TilePlace block = place_of_block<kTile>(a);
  const int split = static_cast<int>(blockIdx.y);
  TileSums<kTile> sums{};
  int begin = split * a.split_depth;
  int end = min(begin + a.split_depth, a.terms[0].depth);
  if constexpr (kQuantized) {
    add_term<T, kTile, kLeftInner, true>(sums, a, a.terms[0], block, begin, end, shared);
  }
  // One place for both terms: their code is long.
#pragma unroll 1
  for (int i = kQuantized ? 1 : 0; i < a.term_count; ++i) {
    if (i == 1) {
      for_sums<kTile>(sums, [&](int, int, float (&sum)[4]) {
#pragma unroll
        for (float& value : sum) value *= a.ratio;
      });
      begin = 0;
      end = split == 0 ? a.terms[1].depth : 0;
    }
    add_term<T, kTile, kLeftInner, false>(sums, a, a.terms[i], block, begin, end, shared);
  }
  write_sums<T, kTile>(sums, a, block, split, shared);
}

}  // namespace attune::cuda

/// As ATTUNE_ENTRIES. bf16 has half the registers of a multiprocessor at most, so that another block computes
/// while one waits; the splits of floats need more.
#define ATTUNE_PRODUCT_ENTRIES(name, tile)                                                              \
  extern "C" __global__ __launch_bounds__(kProductThreads<tile>,                                        \
                                          1) void name##_f32(const __grid_constant__ MatrixProduct a) { \
    name<float>(a);                                                                                     \
  }                                                                                                     \
  extern "C" __global__ __launch_bounds__(                                                              \
      kProductThreads<tile>,                                                                            \
      512 / kProductThreads<tile>) void name##_bf16(const __grid_constant__ MatrixProduct a) {          \
    name<bf16>(a);                                                                                      \
  }
