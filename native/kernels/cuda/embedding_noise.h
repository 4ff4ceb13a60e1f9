#pragma once

#include <cstdint>

#include "core/philox.h"

namespace attune::cuda {

inline constexpr int kNoiseThreads = 128;  ///< a warp a row

struct EmbeddingNoise {
  const void* x;
  const std::int32_t* starts;  ///< cu_seqlens
  void* y;                     ///< may be x
  std::int64_t rows;
  std::int64_t columns;
  int segments;
  float alpha;
  const PhiloxKey* random;
  std::uint32_t stream;
};

}  // namespace attune::cuda
