#pragma once

// A block of moments from codes and back: core/moment_codes.h. Plain loops, which compilers make vectors of.

#include "core/moment_codes.h"
#include "kernels/cpu/lanes.h"

namespace attune::cpu::ATTUNE_ISA {

/// The moments of one block; 0 past its end.
struct MomentBlock {
  alignas(64) float values[kMomentBlock];
};

ATTUNE_INLINE void decode_moments(const std::uint8_t* codes, float scale, const float* values,
                                  std::int64_t count, MomentBlock& out) {
  for (std::int64_t i = 0; i < count; ++i) out.values[i] = values[codes[i]] * scale;
  for (std::int64_t i = count; i < kMomentBlock; ++i) out.values[i] = 0.0F;
}

/// The number of the interval that x, in [0, 1], lies in.
template <const std::array<MomentDecade, kMomentDecades>& kDecades>
ATTUNE_INLINE int interval_of(float x) {
  float slope = kDecades[0].slope;
  float shift = kDecades[0].shift;
#pragma GCC unroll 6
  for (std::size_t decade = 1; decade < kMomentDecades; ++decade) {
    const bool reaches = x >= kDecades[decade].from;
    slope = reaches ? kDecades[decade].slope : slope;
    shift = reaches ? kDecades[decade].shift : shift;
  }
  return static_cast<int>(x * slope + shift);
}

/// Gives the scale; a block of zeros has 0.
ATTUNE_INLINE float encode_exp_avg(const MomentBlock& block, std::int64_t count, std::uint8_t* codes) {
  Vec most = zero();
  Vec least = zero();
  for (std::int64_t i = 0; i < kMomentBlock; i += Vec::kWidth) {
    most = max(most, load(block.values + i));
    least = min(least, load(block.values + i));
  }
  const float highest = reduce_max(most);
  const float lowest = -reduce_max(negate(least));
  const float scale = highest >= -lowest ? highest : lowest;
  const float divisor = scale == 0.0F ? 1.0F : scale;
  for (std::int64_t i = 0; i < count; ++i) {
    const float x = block.values[i] / divisor;
    const int interval = interval_of<kExpAvgDecades>(x < 0.0F ? -x : x);
    // -1 has no code of its own.
    const int below = kExpAvgZero - (interval < kExpAvgZero ? interval : kExpAvgZero);
    codes[i] = static_cast<std::uint8_t>(x < 0.0F ? below : kExpAvgZero + interval);
  }
  return scale;
}

ATTUNE_INLINE float encode_exp_avg_sq(const MomentBlock& block, std::int64_t count, std::uint8_t* codes) {
  Vec most = zero();
  for (std::int64_t i = 0; i < kMomentBlock; i += Vec::kWidth) most = max(most, load(block.values + i));
  const float scale = reduce_max(most);
  const float divisor = scale == 0.0F ? 1.0F : scale;
  for (std::int64_t i = 0; i < count; ++i) {
    const int interval = interval_of<kExpAvgSqDecades>(block.values[i] / divisor);
    const int least = block.values[i] > 0.0F ? 1 : 0;
    codes[i] = static_cast<std::uint8_t>(interval > least ? interval : least);
  }
  return scale;
}

}  // namespace attune::cpu::ATTUNE_ISA
