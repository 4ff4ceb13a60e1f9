#pragma once

#include <cstdint>

namespace attune {

/// stream_read() -> nothing: all threads together read `count` floats once. What decoding is measured
/// against, which reads every weight once a token.
struct StreamReadArguments {
  const float* data = nullptr;
  std::int64_t count = 0;
};

}  // namespace attune
