#pragma once

#include <cstdint>

namespace attune::cuda {

struct Dropout {
  const void* x;
  void* y;
  std::int64_t count;
  std::uint64_t seed;
  std::uint32_t draw;
  std::uint32_t stream;
  std::uint32_t threshold;  ///< words below it drop
  float factor;             ///< of what is kept
};

}  // namespace attune::cuda
