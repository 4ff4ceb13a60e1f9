#pragma once

#include <cstdint>

#include "core/philox.h"

namespace attune::cuda {

struct Dropout {
  const void* x;
  void* y;
  std::int64_t count;
  const PhiloxKey* random;
  std::uint32_t stream;
  std::uint32_t threshold;  ///< words below it drop
  float factor;             ///< of what is kept
};

}  // namespace attune::cuda
