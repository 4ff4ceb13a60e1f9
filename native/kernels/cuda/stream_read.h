#pragma once

#include <cstdint>

namespace attune::cuda {

inline constexpr int kStreamThreads = 256;
/// Reads of 16 bytes that a thread has in flight: with 2048 threads a multiprocessor more than the latency
/// of memory times its bandwidth.
inline constexpr int kStreamPacks = 4;

struct StreamRead {
  const float* data;
  float* kept;  ///< one float, written where a sum says so, which none does
  std::int64_t packs;  ///< of 16 bytes
};

}  // namespace attune::cuda
