#pragma once

#include <cstdint>

namespace attune::cuda {

struct Add {
  const void* a;
  const void* b;
  void* y;
  std::int64_t count;
};

struct AccumulateGradient {
  const void* dx;
  float* y;
  std::int64_t count;
  bool accumulate;
};

}  // namespace attune::cuda
