#pragma once

#include <cstdint>

namespace attune::cuda {

/// attune::TokenRows in the device's memory.
struct TokenRowsView {
  std::int32_t* ids = nullptr;
  std::int32_t* rows = nullptr;
  std::int32_t count = 0;
};

}  // namespace attune::cuda
