#pragma once

// core/philox.h on the device: the same words for the same key and counter.

#include <cstdint>

#include "core/philox.h"

namespace attune::cuda {

struct PhiloxWords {
  std::uint32_t word[4];
};

/// Philox4x32-10, Salmon et al. 2011; the stream is given beside the key, which is the whole run's.
__device__ inline PhiloxWords philox(const PhiloxKey& key, std::uint32_t stream, std::uint64_t index) {
  std::uint32_t c0 = static_cast<std::uint32_t>(index);
  std::uint32_t c1 = static_cast<std::uint32_t>(index >> 32);
  std::uint32_t c2 = stream;
  std::uint32_t c3 = key.draw;
  std::uint32_t k0 = static_cast<std::uint32_t>(key.seed);
  std::uint32_t k1 = static_cast<std::uint32_t>(key.seed >> 32);
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const std::uint32_t high0 = __umulhi(0xD2511F53U, c0);
    const std::uint32_t high2 = __umulhi(0xCD9E8D57U, c2);
    const std::uint32_t low0 = 0xD2511F53U * c0;
    const std::uint32_t low2 = 0xCD9E8D57U * c2;
    c0 = high2 ^ c1 ^ k0;
    c1 = low2;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  return {{c0, c1, c2, c3}};
}

}  // namespace attune::cuda
