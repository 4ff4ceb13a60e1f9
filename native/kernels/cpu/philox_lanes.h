#pragma once

// Philox4x32-10 for many counters at once: core/philox.h lane by lane, in loops that the compiler vectorises.

#include "core/philox.h"
#include "kernels/cpu/simd.h"

namespace attune::cpu::ATTUNE_ISA {

/// Counters of one call: two registers of 32-bit lanes in the widest instruction set.
inline constexpr int kPhiloxLanes = 32;

/// words[w][lane] = word w of philox(key, counters[lane]).
inline void philox_lanes(const PhiloxKey& key, const std::uint64_t (&counters)[kPhiloxLanes],
                         std::uint32_t (&words)[4][kPhiloxLanes]) {
  std::uint32_t (&c0)[kPhiloxLanes] = words[0];
  std::uint32_t (&c1)[kPhiloxLanes] = words[1];
  std::uint32_t (&c2)[kPhiloxLanes] = words[2];
  std::uint32_t (&c3)[kPhiloxLanes] = words[3];
  for (int lane = 0; lane < kPhiloxLanes; ++lane) {
    c0[lane] = static_cast<std::uint32_t>(counters[lane]);
    c1[lane] = static_cast<std::uint32_t>(counters[lane] >> 32);
    c2[lane] = key.stream;
    c3[lane] = key.draw;
  }
  auto k0 = static_cast<std::uint32_t>(key.seed);
  auto k1 = static_cast<std::uint32_t>(key.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int lane = 0; lane < kPhiloxLanes; ++lane) {
      const std::uint64_t p0 = 0xD2511F53ULL * c0[lane];
      const std::uint64_t p1 = 0xCD9E8D57ULL * c2[lane];
      c0[lane] = static_cast<std::uint32_t>(p1 >> 32) ^ c1[lane] ^ k0;
      c1[lane] = static_cast<std::uint32_t>(p1);
      c2[lane] = static_cast<std::uint32_t>(p0 >> 32) ^ c3[lane] ^ k1;
      c3[lane] = static_cast<std::uint32_t>(p0);
    }
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
}

/// What dropout multiplies kept values by; nothing useful is kept at p = 1.
inline float dropout_scale(float p) { return p < 1.0F ? 1.0F / (1.0F - p) : 0.0F; }

/// dropout_threshold of core/philox.h, compiled for this instruction set.
inline std::uint32_t drop_below(float p) {
  const double scaled = static_cast<double>(p) * 4294967296.0;
  return scaled >= 4294967295.0 ? 4294967295U : static_cast<std::uint32_t>(scaled);
}

}  // namespace attune::cpu::ATTUNE_ISA
