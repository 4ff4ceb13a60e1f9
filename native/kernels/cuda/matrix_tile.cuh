#pragma once

// A tile of a factor in shared memory: kTile rows or columns of the product by kDepthBytes of depth, in
// chunks of 16 bytes, copied and read without bank conflicts. Two arrangements, as the factor is stored:
// depth inner (rows of four chunks) or depth outer (a row for each depth).

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/matrix_product.h"
#include "kernels/cuda/tensor_core.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {

template <class T>
inline constexpr int kTileDepth = kDepthBytes / static_cast<int>(sizeof(T));

template <class T, int kTile, bool kDepthInner>
struct TileLayout {
  static constexpr int kRows = kDepthInner ? kTile : kTileDepth<T>;
  static constexpr int kChunks = kDepthInner ? kDepthBytes / 16 : kTile / kPack<T>;  ///< of a row

  /// Bytes from the tile's begin. Chunks change places within a row so that what a warp reads at once, eight
  /// rows (floats with depth outer: four rows of two chunks), lies in all 32 banks.
  __device__ static int offset(int row, int chunk) {
    int place = 0;
    if constexpr (kDepthInner) {
      place = chunk ^ (row / 2 % 4);
    } else if constexpr (sizeof(T) == 2) {
      place = chunk ^ (row % 8);
    } else {
      place = chunk ^ (row % 4 * 2);
    }
    return (row * kChunks + place) * 16;
  }
};

/// 16 bytes of a row, `valid` elements and zeros, where they cannot be copied at once.
template <class T>
__device__ inline void copy_elements(char* to, const T* from, int valid) {
  T* const values = reinterpret_cast<T*>(to);
#pragma unroll 1
  for (int i = 0; i < kPack<T>; ++i) values[i] = i < valid ? from[i] : from_float<T>(0.0F);
}

/// One of the two chunks of a tile that a thread copies.
struct Chunk {
  std::int64_t element;  ///< of the factor
  int valid;             ///< elements that there are
  int offset;            ///< in the tile
};

/// Of the tile at `first` (of `extent`) rows or columns and depths [depth, depth_end).
template <class T, int kTile, bool kDepthInner>
__device__ inline Chunk chunk_of(int i, const Factor& factor, int first, int extent, int depth,
                                 int depth_end) {
  using Layout = TileLayout<T, kTile, kDepthInner>;
  static_assert(Layout::kRows * Layout::kChunks == 2 * kProductThreads<kTile>);
  const int at = static_cast<int>(threadIdx.x) + i * kProductThreads<kTile>;
  const int row = at / Layout::kChunks;
  const int chunk = at % Layout::kChunks;
  const int outer = row + (kDepthInner ? first : depth);
  const int inner = chunk * kPack<T> + (kDepthInner ? depth : first);
  const int left = (kDepthInner ? depth_end : extent) - inner;
  const int valid = outer < (kDepthInner ? extent : depth_end) ? max(0, min(left, kPack<T>)) : 0;
  return {valid == 0 ? 0 : outer * factor.stride + inner, valid, Layout::offset(row, chunk)};
}

/// Begins to copy a tile. What lies beyond the factor is zeros.
template <class T, int kTile, bool kDepthInner>
__device__ inline void copy_tile(char* tile, const Factor& factor, int first, int extent, int depth,
                                 int depth_end) {
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const Chunk chunk = chunk_of<T, kTile, kDepthInner>(i, factor, first, extent, depth, depth_end);
    const T* const from = static_cast<const T*>(factor.data) + chunk.element;
    if (factor.packs) {
      copy_async(tile + chunk.offset, from, chunk.valid * static_cast<int>(sizeof(T)));
    } else {
      copy_elements(tile + chunk.offset, from, chunk.valid);
    }
  }
}

/// The fragments of 16 rows (left) or of two times 8 columns (right) from `first` on, for 32 bytes of depth:
/// as `multiply_add` takes them, left d[0..3], right d[0..1] and d[2..3]. Both matrix shapes, of bf16 and of
/// floats, are the same in chunks.
template <class T, int kTile, bool kDepthInner, bool kLeft>
__device__ inline void load_fragments(std::uint32_t (&d)[4], const char* tile, int first, int step) {
  using Layout = TileLayout<T, kTile, kDepthInner>;
  const int lane = lane_id();
  if constexpr (kDepthInner || sizeof(T) == 2) {
    const int matrix = lane / 8;
    const int outer = first + 8 * (kLeft ? matrix % 2 : matrix / 2);
    const int half = kLeft ? matrix / 2 : matrix % 2;
    if constexpr (kDepthInner) {
      load_matrices(d, tile + Layout::offset(outer + lane % 8, 2 * step + half));
    } else {
      load_matrices_transposed(d, tile + Layout::offset(16 * step + 8 * half + lane % 8, outer / 8));
    }
  } else {
#pragma unroll
    for (int matrix = 0; matrix < 4; ++matrix) {
      const int outer = first + 8 * (kLeft ? matrix % 2 : matrix / 2) + lane / 4;
      const int depth = 8 * step + 4 * (kLeft ? matrix / 2 : matrix % 2) + lane % 4;
      d[matrix] =
          *reinterpret_cast<const std::uint32_t*>(tile + Layout::offset(depth, outer / 4) + outer % 4 * 4);
    }
  }
}

/// c += left right, of floats, where the right factor is split: three products of TensorFloat-32. They are
/// summed apart, for tensor cores cut off what they add to a large sum, and one float32 addition rounds.
__device__ inline void multiply_add_split(float (&c)[4], const SplitFloat (&left)[4],
                                          const SplitFloat& right0, const SplitFloat& right1) {
  const std::uint32_t high[4] = {left[0].high, left[1].high, left[2].high, left[3].high};
  const std::uint32_t low[4] = {left[0].low, left[1].low, left[2].low, left[3].low};
  float sum[4] = {};
  multiply_add_tf32(sum, low, right0.high, right1.high);
  multiply_add_tf32(sum, high, right0.low, right1.low);
  multiply_add_tf32(sum, high, right0.high, right1.high);
#pragma unroll
  for (int i = 0; i < 4; ++i) c[i] += sum[i];
}

__device__ inline SplitFloat split_bits(std::uint32_t bits) { return split_tf32(__uint_as_float(bits)); }

/// c[m][n] += left[m] right[n], fragments of 32 bytes of depth; right has two in four registers.
template <class T, int kM, int kN>
__device__ inline void multiply_fragments(float (&c)[kM][kN][4], const std::uint32_t (&left)[kM][4],
                                          const std::uint32_t (&right)[kN / 2][4]) {
  if constexpr (sizeof(T) == 2) {
#pragma unroll
    for (int m = 0; m < kM; ++m) {
#pragma unroll
      for (int n = 0; n < kN; ++n)
        multiply_add_bf16(c[m][n], left[m], right[n / 2][n % 2 * 2], right[n / 2][n % 2 * 2 + 1]);
    }
  } else {
    SplitFloat columns[kN][2];
#pragma unroll
    for (int n = 0; n < kN; ++n) {
      columns[n][0] = split_bits(right[n / 2][n % 2 * 2]);
      columns[n][1] = split_bits(right[n / 2][n % 2 * 2 + 1]);
    }
#pragma unroll
    for (int m = 0; m < kM; ++m) {
      const SplitFloat rows[4] = {split_bits(left[m][0]), split_bits(left[m][1]), split_bits(left[m][2]),
                                  split_bits(left[m][3])};
#pragma unroll
      for (int n = 0; n < kN; ++n) multiply_add_split(c[m][n], rows, columns[n][0], columns[n][1]);
    }
  }
}

/// c += what this warp has of the product of two tiles.
template <class T, int kTile, bool kLeftInner, bool kRightInner, int kM, int kN>
__device__ inline void multiply_tiles(float (&c)[kM][kN][4], const char* left, const char* right, int row,
                                      int column) {
#pragma unroll(sizeof(T) == 2 ? 2 : 1)  // three products each are long enough
  for (int step = 0; step < kDepthBytes / 32; ++step) {
    std::uint32_t rows[kM][4];
    std::uint32_t columns[kN / 2][4];
#pragma unroll
    for (int m = 0; m < kM; ++m)
      load_fragments<T, kTile, kLeftInner, true>(rows[m], left, row + 16 * m, step);
#pragma unroll
    for (int n = 0; n < kN / 2; ++n)
      load_fragments<T, kTile, kRightInner, false>(columns[n], right, column + 16 * n, step);
    multiply_fragments<T>(c, rows, columns);
  }
}

}  // namespace attune::cuda
