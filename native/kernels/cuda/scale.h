#pragma once

#include <cstdint>

namespace attune::cuda {

struct Scale {
  const void* x;
  void* y;
  std::int64_t count;
  float factor;
};

}  // namespace attune::cuda
