#pragma once

#include <array>
#include <cstdint>

namespace attune {

/// Counter-based random numbers: the value depends on (seed, draw, stream, index) alone, never on
/// order or thread, so a mask can be made again in the backward pass and after a resume.
/// Philox4x32-10, Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
struct PhiloxKey {
  std::uint64_t seed = 0;    ///< the run's seed
  std::uint32_t draw = 0;    ///< one number per forward pass of the run
  std::uint32_t stream = 0;  ///< one number per node that draws
};

/// Four independent 32-bit words for counter `index`.
[[nodiscard]] inline std::array<std::uint32_t, 4> philox(const PhiloxKey& key, std::uint64_t index) {
  std::array<std::uint32_t, 4> c{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                                 key.stream, key.draw};
  auto k0 = static_cast<std::uint32_t>(key.seed);
  auto k1 = static_cast<std::uint32_t>(key.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = 0xD2511F53ULL * c[0];
    const std::uint64_t p1 = 0xCD9E8D57ULL * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<std::uint32_t>(p0)};
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  return c;
}

/// Word below which an element is dropped: p of the 2^32 values. p = 1 drops (all but one of) them.
[[nodiscard]] inline std::uint32_t dropout_threshold(float p) {
  const double scaled = static_cast<double>(p) * 4294967296.0;
  return scaled >= 4294967295.0 ? 4294967295U : static_cast<std::uint32_t>(scaled);
}

}  // namespace attune
