#pragma once

// AdamW's moments in 8 bits, as Dettmers et al. 2022 hold them ("8-bit optimizers via block-wise
// quantization", arXiv 2110.02861): blocks of 256 elements, each with the scale of its largest.
//
//   moment = scale kExpAvgValues[code]     scale: of the block's elements the one of the largest magnitude,
//   with
//                                          its sign, so that it is held exactly
//   moment = scale kExpAvgSqValues[code]   of squares. What is not 0 has no code of 0: the step divides by it
//
// A code is that of the interval that x = moment / scale lies in, so an x of at least 1e-7 is off by half an
// interval at most: 0.7 % of it near 1 (0.35 % of squares), 45 % (27 %) at the lower end of the range.

#include <array>
#include <cstdint>

#include "core/quantization.h"

namespace attune {

inline constexpr std::int64_t kMomentBlock = 256;
/// Smaller tensors (norms, biases) have float32 moments: they take little, and each of theirs counts for
/// much.
inline constexpr std::int64_t kFewestCodedMoments = 4096;

[[nodiscard]] constexpr std::int64_t moment_blocks(std::int64_t elements) {
  return (elements + kMomentBlock - 1) / kMomentBlock;
}

inline constexpr int kMomentDecades = 7;

/// The intervals of [10^(d - 7), 10^(d - 6)): x is in that of code slope x + shift, cut to a whole number.
/// The first decade's also has what is below.
struct MomentDecade {
  float from;
  float slope;
  float shift;
};

/// In decade d there are `finest` / 2^(6 - d) intervals; its first has the code that follows on the last
/// decade's, whose first has code 1. At 1 there is a code of its own.
consteval std::array<MomentDecade, kMomentDecades> make_moment_decades(int finest) {
  std::array<MomentDecade, kMomentDecades> decades{};
  double end = 1.0;
  int next = 2 * finest - (finest >> (kMomentDecades - 1)) + 1;  // the code at the end of the decade
  for (int decade = kMomentDecades - 1; decade >= 0; --decade) {
    const int intervals = finest >> (kMomentDecades - 1 - decade);
    const auto slope = static_cast<float>(intervals / (0.9 * end));
    decades[static_cast<std::size_t>(decade)] = {
        .from = decade == 0 ? 0.0F : static_cast<float>(end / 10.0),
        .slope = slope,
        .shift = static_cast<float>(next - static_cast<double>(slope) * end)};
    next -= intervals;
    end /= 10.0;
  }
  return decades;
}

/// Of magnitudes up to 127; 128 at 1. kScaleValues[127 + code], of negative ones kScaleValues[127 - code].
inline constexpr std::array<MomentDecade, kMomentDecades> kExpAvgDecades = make_moment_decades(64);
inline constexpr const std::array<float, 256>& kExpAvgValues = kScaleValues;
inline constexpr int kExpAvgZero = 127;

inline constexpr std::array<MomentDecade, kMomentDecades> kExpAvgSqDecades = make_moment_decades(128);

/// As kScaleValues, without signs and with twice as many intervals, as create_dynamic_map(signed=False) of
/// bitsandbytes makes them.
consteval std::array<float, 256> make_exp_avg_sq_values() {
  std::array<float, 256> values{};  // 0 stays at 0
  std::size_t code = 1;
  double end = 1e-6;
  for (int decade = 0; decade < kMomentDecades; ++decade) {
    const int intervals = 2 << decade;
    for (int i = 0; i < intervals; ++i)
      values[code++] = static_cast<float>(end * (0.1 + 0.9 * (i + 0.5) / intervals));
    end *= 10.0;
  }
  values[255] = 1.0F;
  return values;
}
inline constexpr std::array<float, 256> kExpAvgSqValues = make_exp_avg_sq_values();

}  // namespace attune
