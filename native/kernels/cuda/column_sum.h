#pragma once

#include <cstdint>

namespace attune::cuda {

/// The warps of a block take turns in the rows of a chunk; a lane has a pack of columns, or one.
inline constexpr int kColumnThreads = 256;
/// Rows of a chunk: 32 for each warp.
inline constexpr int kColumnChunk = 256;

struct ColumnSum {
  const void* from;  ///< (rows, columns)
  std::int64_t stride;
  bool packs;      ///< every row begins on 16 bytes
  float* partial;  ///< (chunks, columns)
  std::int64_t rows;
  std::int64_t columns;
};

}  // namespace attune::cuda
