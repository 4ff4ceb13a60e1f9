#pragma once

#include <cstdint>

namespace attune::cuda {

inline constexpr int kArgmaxThreads = 256;
/// Elements of a row for one block: a vocabulary of 128 Ki has 32 blocks, so that one row keeps many
/// multiprocessors at work.
inline constexpr std::int64_t kArgmaxChunk = 4096;

/// The best of some elements. Where none is above -Infinity it is that, at 0.
struct ArgmaxCandidate {
  float value;
  std::int32_t id;
};

struct Argmax {
  const void* x;
  std::int64_t rows;
  std::int64_t columns;
  ArgmaxCandidate* candidates;  ///< (rows, chunks)
  std::int64_t chunks;
  std::int32_t* ids;
};

}  // namespace attune::cuda
