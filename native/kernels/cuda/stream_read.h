#pragma once

#include <cstdint>

namespace attune::cuda {

inline constexpr int kReadThreads = 256;
/// Reads of 16 bytes that a thread has under way at once.
inline constexpr int kReadsOfThread = 8;
inline constexpr std::int64_t kReadsOfBlock = std::int64_t{kReadThreads} * kReadsOfThread;

struct StreamRead {
  const float* data;
  std::int64_t count;
  float* never;  ///< null, which the compiler does not know
};

}  // namespace attune::cuda
