#pragma once

#include <cstdint>

namespace attune::cuda {

/// A block a row.
inline constexpr int kCopyThreads = 128;

struct CopyRows {
  const void* from;
  const std::int32_t* rows;
  void* to;
  std::int64_t columns;
};

}  // namespace attune::cuda
