#pragma once

#include <cstdint>

namespace attune::cuda {

/// attune::TokenRows in the device's memory.
struct TokenRowsView {
  const std::int32_t* ids = nullptr;
  const std::int32_t* rows = nullptr;
  std::int32_t count = 0;
};

}  // namespace attune::cuda
