#pragma once

#include <cstdint>

#include "kernels/cuda/quantized_weight.h"
#include "kernels/cuda/tensor.h"
#include "kernels/cuda/token_rows.h"

namespace attune::cuda {

inline constexpr int kEmbeddingThreads = 128;
/// Tokens of one id that one warp sums. Ids with more of them have several warps, whose sums are added in
/// order: the most frequent token of a text is a twentieth of it, and one warp would be busy with it for
/// longer than all others together.
inline constexpr int kEmbeddingSegment = 64;

struct Embedding {
  FloatTensor table;
  QuantizedWeight quantized;  ///< in place of the table, in kernels for such
  const std::int32_t* ids;
  FloatTensor token_rows;
  TokenRowsView tokens;
  void* y;
  std::int64_t columns;
  std::int64_t vocabulary;
  bool transposed;
};

/// R rows of the gradient's table, T tokens, S sums of segments.
struct EmbeddingBackward {
  const void* dy;
  const std::int32_t* ids;
  TokenRowsView tokens;
  float* dtable;
  std::int64_t rows;
  std::int64_t token_count;
  std::int64_t columns;
  std::int32_t padding_index;
  bool token_gradient;
  bool transposed;
  // Scratch
  std::int32_t* count;      ///< (R) tokens of a row; zero before
  std::int32_t* placed;     ///< (1) tokens that have a row; zero before
  std::int32_t* sums;       ///< (1) sums of segments that are in use; zero before
  std::int32_t* start;      ///< (R) where a row's tokens begin in `listed` and `ordered`
  std::int32_t* sum_start;  ///< (R) where the sums of a row's segments begin, if there are several
  std::int32_t* row;        ///< (T) a token's row; -1: none
  std::int32_t* slot;       ///< (T) where among its row's tokens a token is in `listed`
  std::int32_t* listed;     ///< (T) tokens row by row, in any order within one
  std::int32_t* ordered;    ///< (T) in ascending order
  std::int32_t* sum_row;    ///< (S) the row of a row's first sum; -1 of others
  float* segment_sums;      ///< (S, C)
};

}  // namespace attune::cuda
