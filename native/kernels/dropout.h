#pragma once

#include <cstdint>

namespace attune {

/// dropout(x) -> y: element i is 0 when word i % 4 of philox(key, i / 4) < dropout_threshold(p), else x / (1
/// - p). The gradient is the same op on dy: the mask is made again, not stored.
struct DropoutArguments {
  float p = 0.0F;
  std::uint32_t stream = 0;
};

}  // namespace attune
