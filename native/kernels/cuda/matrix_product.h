#pragma once

#include <cstdint>

#include "kernels/cuda/quantized_weight.h"
#include "kernels/cuda/tensor.h"

namespace attune::cuda {

// Matrix products in blocks of kLargeTile or kSmallTile rows and columns, and of at most kThinRows rows.
inline constexpr int kLargeTile = 128;
inline constexpr int kSmallTile = 64;
inline constexpr int kThinRows = 16;

/// Bytes along the depth that a block has in shared memory at a time: 32 bf16, 16 floats.
inline constexpr int kDepthBytes = 64;
/// Parts of the depth in flight: one multiplied, two on their way. With 128 x 128 tiles that is 48 KiB, what
/// every block may have, and what two blocks have room for on every multiprocessor.
inline constexpr int kStages = 3;

/// A block of the tiled kernel has two rows of warps, and a warp 32 columns.
template <int kTile>
inline constexpr int kProductThreads = 2 * kTile;
template <int kTile>
inline constexpr int kProductSharedBytes = kStages * 2 * kTile * kDepthBytes;

/// A block of the thin kernel has outputs as wide as 128 bytes of activations; its warps share the depth.
inline constexpr int kThinThreads = 256;
inline constexpr int kThinBytes = 128;

inline constexpr int kFinishThreads = 128;

/// A matrix as it is stored, row by row. Elements of the factors are activations.
struct Factor {
  const void* data;
  std::int64_t stride;  ///< elements between its rows
  bool transposed;      ///< left: stored (depth, rows); right: stored (columns, depth)
  bool packs;           ///< every row begins on 16 bytes
};

struct ProductTerm {
  Factor left;
  Factor right;
  int depth;
};

/// c (rows, columns) = scale * (ratio * left right + left right of the second term) + bias + addend,
/// or added to c. With one term: scale * left right + ...
struct MatrixProduct {
  ProductTerm terms[2];
  QuantizedWeight quantized;  ///< data of the first right factor, in kernels for such
  int term_count;
  float ratio;
  float scale;
  int rows;
  int columns;
  FloatTensor bias;    ///< (columns) or none
  const void* addend;  ///< activations or null
  std::int64_t addend_stride;
  void* c;
  std::int64_t c_stride;
  bool c_bf16;
  bool
      c_quads;  ///< four columns of c, and of the addend, from a multiple of four on, can be accessed at once
  bool accumulate;  ///< c is float
  float* partials;  ///< (splits, rows, columns): sums before scale and what follows, or null
  int splits;
  int split_depth;  ///< of the first term; the second belongs to the first split
};

}  // namespace attune::cuda
