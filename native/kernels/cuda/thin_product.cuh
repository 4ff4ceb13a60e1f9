#pragma once

// c = scale (ratio left right + second left right) + bias + addend for at most 16 rows, as when text is
// generated. The right factor, the weight, is read once and as fast as memory gives it, straight into
// registers; see matrix_product.h.
//
// A warp multiplies weights as the left factor of the tensor cores by rows as the right one. Lane 4 g + q
// holds the block of kPack outputs from kPack g on by kPack depths from kPack q on: packs of 16 bytes
// whichever way the weight is stored. Which of its elements goes into which place of a fragment is free as
// long as rows agree.

#include "kernels/cuda/matrix_tile.cuh"
#include "kernels/cuda/product_epilogue.cuh"
#include "kernels/cuda/quantized.cuh"

namespace attune::cuda {

inline constexpr int kThinWarps = kThinThreads / kWarp;
template <class T>
inline constexpr int kThinOutputs = kThinBytes / static_cast<int>(sizeof(T));
template <class T>
inline constexpr int kThinFragments = kPack<T> / 2;  ///< of 16 outputs

template <class T>
struct ThinSums {
  float v[kThinFragments<T>][1][kThinRows / 8][4];
};

struct Pack {
  std::uint32_t word[4];
};

__device__ inline std::uint32_t bits_of(float value) { return __float_as_uint(value); }
__device__ inline std::uint32_t bits_of(bf16 value) { return __bfloat16_as_ushort(value); }

/// `valid` elements and zeros, one by one; a loop, for there are many places with it.
template <class T, class F>
__device__ inline Pack gather_pack(int valid, const F& element_at) {
  constexpr int kOfWord = 4 / static_cast<int>(sizeof(T));
  Pack pack{};
#pragma unroll 1
  for (int i = 0; i < valid; ++i) {
    const std::uint32_t bits = bits_of(element_at(i)) << (i % kOfWord * 16);
#pragma unroll
    for (int w = 0; w < 4; ++w) pack.word[w] |= w == i / kOfWord ? bits : 0;
  }
  return pack;
}

__device__ inline Pack pack_of(const uint4& bits) { return {{bits.x, bits.y, bits.z, bits.w}}; }

/// kPack elements of a row; zeros beyond the ends.
template <class T>
__device__ inline Pack load_pack(const Factor& factor, int row, int rows, int column, int columns) {
  const int valid = row < rows ? min(columns - column, kPack<T>) : 0;
  if (valid <= 0) return {};
  const T* const from = static_cast<const T*>(factor.data) + row * factor.stride + column;
  if (factor.packs && valid == kPack<T>) return pack_of(*reinterpret_cast<const uint4*>(from));
  return gather_pack<T>(valid, [&](int i) { return from[i]; });
}

/// The same of a weight held in fewer bits.
template <class T>
__device__ inline Pack load_quantized_pack(const QuantizedWeight& weight, const Factor& factor, int row,
                                           int rows, int column, int columns) {
  const int valid = row < rows ? min(columns - column, kPack<T>) : 0;
  if (valid <= 0) return {};
  const std::int64_t element = row * factor.stride + column;
  if (factor.packs) return pack_of(unpack_codes<T>(weight, load_codes<T>(weight, element)));
  return gather_pack<T>(valid, [&](int i) { return from_float<T>(quantized_element(weight, element + i)); });
}

/// Word `depth` (two bf16 or a float) of output `output` of a lane's block of packs.
template <class T>
__device__ inline std::uint32_t block_word(const Pack (&packs)[kPack<T>], bool by_output, int output,
                                           int depth) {
  if (by_output) return packs[output].word[depth];
  if constexpr (sizeof(T) == 4) {
    return packs[depth].word[output];
  } else {
    return __byte_perm(packs[2 * depth].word[output / 2], packs[2 * depth + 1].word[output / 2],
                       output % 2 == 0 ? 0x5410 : 0x7632);
  }
}

template <class T>
__device__ inline void multiply_block(ThinSums<T>& sums, const Pack (&packs)[kPack<T>], bool by_output,
                                      const Pack (&rows)[2]) {
#pragma unroll
  for (int step = 0; step < 2; ++step) {
    const std::uint32_t right[1][4] = {{rows[0].word[2 * step], rows[0].word[2 * step + 1],
                                        rows[1].word[2 * step], rows[1].word[2 * step + 1]}};
#pragma unroll
    for (int m = 0; m < kThinFragments<T>; ++m) {
      std::uint32_t left[1][4];
#pragma unroll
      for (int i = 0; i < 4; ++i)
        left[0][i] = block_word<T>(packs, by_output, 2 * m + i % 2, 2 * step + i / 2);
      multiply_fragments<T>(sums.v[m], left, right);
    }
  }
}

template <class T, bool kQuantized>
__device__ inline void add_thin_term(ThinSums<T>& sums, const MatrixProduct& a, const ProductTerm& term,
                                     int begin, int end) {
  const int g = lane_id() / 4;
  const int q = lane_id() % 4;
  const int output = static_cast<int>(blockIdx.x) * kThinOutputs<T> + g * kPack<T>;
  const bool by_output = term.right.transposed;
#pragma unroll 1
  for (int depth = begin + (warp_id() * 4 + q) * kPack<T>; depth - q * kPack<T> < end;
       depth += kThinWarps * 4 * kPack<T>) {
    Pack packs[kPack<T>];
#pragma unroll
    for (int i = 0; i < kPack<T>; ++i) {
      const int row = by_output ? output + i : depth + i;
      const int column = by_output ? depth : output;
      const int row_end = by_output ? a.columns : end;
      const int column_end = by_output ? end : a.columns;
      if constexpr (kQuantized) {
        packs[i] = load_quantized_pack<T>(a.quantized, term.right, row, row_end, column, column_end);
      } else {
        packs[i] = load_pack<T>(term.right, row, row_end, column, column_end);
      }
    }
    const Pack rows[2] = {load_pack<T>(term.left, g, a.rows, depth, end),
                          load_pack<T>(term.left, g + 8, a.rows, depth, end)};
    multiply_block<T>(sums, packs, by_output, rows);
  }
}

/// Adds up what the block's warps have, in their order.
template <class T>
__device__ inline void write_thin_sums(const ThinSums<T>& sums, const MatrixProduct& a, int split) {
  __shared__ float parts[kThinWarps][kThinRows][kThinOutputs<T> + 1];
  const int q = lane_id() % 4;
#pragma unroll
  for (int m = 0; m < kThinFragments<T>; ++m) {
#pragma unroll
    for (int tile = 0; tile < kThinRows / 8; ++tile) {
#pragma unroll
      for (int i = 0; i < 4; ++i)
        parts[warp_id()][8 * tile + 2 * q + i % 2][lane_id() / 4 * kPack<T> + 2 * m + i / 2] =
            sums.v[m][0][tile][i];
    }
  }
  __syncthreads();
  for (int at = static_cast<int>(threadIdx.x); at < a.rows * kThinOutputs<T>; at += kThinThreads) {
    const int row = at / kThinOutputs<T>;
    const int output = at % kThinOutputs<T>;
    const int column = static_cast<int>(blockIdx.x) * kThinOutputs<T> + output;
    if (column >= a.columns) continue;
    float sum = 0.0F;
#pragma unroll
    for (int warp = 0; warp < kThinWarps; ++warp) sum += parts[warp][row][output];
    if (a.partials == nullptr) {
      finish<T, 1>(a, row, column, {{sum}});
    } else {
      *partial_at(a, split, row, column) = sum;
    }
  }
}

template <class T, bool kQuantized>
__device__ inline void multiply_thin(const MatrixProduct& a) {
  const int split = static_cast<int>(blockIdx.y);
  const int begin = split * a.split_depth;
  ThinSums<T> sums{};
  add_thin_term<T, kQuantized>(sums, a, a.terms[0], begin, min(begin + a.split_depth, a.terms[0].depth));
  if (a.term_count > 1) {
#pragma unroll
    for (auto& fragment : sums.v) {
#pragma unroll
      for (auto& tile : fragment[0]) {
#pragma unroll
        for (float& value : tile) value *= a.ratio;
      }
    }
    if (split == 0) add_thin_term<T, false>(sums, a, a.terms[1], 0, a.terms[1].depth);
  }
  write_thin_sums<T>(sums, a, split);
}

}  // namespace attune::cuda
