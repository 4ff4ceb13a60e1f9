#include "engine/initializer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "core/philox.h"

namespace attune {
namespace {

/// FNV-1a, so that each parameter has a random stream of its own whatever the order of definition.
[[nodiscard]] std::uint32_t hash(const std::string& name) {
  std::uint32_t value = 2166136261U;
  for (const char c : name) value = (value ^ static_cast<unsigned char>(c)) * 16777619U;
  return value;
}

/// In (0, 1): 24 bits and a half, so that its logarithm exists.
[[nodiscard]] double unit(std::uint32_t word) { return (static_cast<double>(word >> 8) + 0.5) / 16777216.0; }

/// y with erf(y) = t. Winitzki's approximation is good to 2e-3; one step of Halley's method (erf'' = -2 y
/// erf') brings the error below 5e-7 for every t that unit() can make.
[[nodiscard]] double inverse_erf(double t) {
  constexpr double kWinitzki = 0.147;
  const double logarithm = std::log1p(-t * t);
  const double half = 2.0 / (std::numbers::pi * kWinitzki) + logarithm / 2.0;
  const double guess = std::sqrt(std::sqrt(half * half - logarithm / kWinitzki) - half);
  const double y = std::copysign(guess, t);
  const double newton = (std::erf(y) - t) * std::exp(y * y) / (2.0 * std::numbers::inv_sqrtpi);
  return y - newton / (1.0 + y * newton);
}

using Four = std::array<double, 4>;

[[nodiscard]] Four uniform(const std::array<std::uint32_t, 4>& words, double bound) {
  Four out{};
  for (std::size_t k = 0; k < 4; ++k) out[k] = (2.0 * unit(words[k]) - 1.0) * bound;
  return out;
}

/// Box-Muller.
[[nodiscard]] Four normal(const std::array<std::uint32_t, 4>& words, double deviation) {
  Four out{};
  for (std::size_t pair = 0; pair < 4; pair += 2) {
    const double radius = std::sqrt(-2.0 * std::log(unit(words[pair]))) * deviation;
    const double angle = 2.0 * std::numbers::pi * unit(words[pair + 1]);
    out[pair] = radius * std::cos(angle);
    out[pair + 1] = radius * std::sin(angle);
  }
  return out;
}

/// The inverse of the distribution's integral, so that each value costs one word whatever the cutoff.
[[nodiscard]] Four truncated_normal(const std::array<std::uint32_t, 4>& words, double deviation,
                                    double cutoff) {
  const double reach = std::erf(cutoff / std::numbers::sqrt2);
  Four out = uniform(words, reach);
  for (double& value : out) {
    const double z = std::clamp(std::numbers::sqrt2 * inverse_erf(value), -cutoff, cutoff);
    value = deviation * z;
  }
  return out;
}

[[nodiscard]] Four draw(const Initializer& initializer, const std::array<std::uint32_t, 4>& words) {
  switch (initializer.kind) {
    case Initializer::Kind::normal:
      return normal(words, initializer.value);
    case Initializer::Kind::truncated_normal:
      return truncated_normal(words, initializer.value, initializer.cutoff);
    case Initializer::Kind::uniform:
      return uniform(words, initializer.value);
    case Initializer::Kind::constant:
      break;
  }
  return {initializer.value, initializer.value, initializer.value, initializer.value};
}

// Values of one task: a fraction of a millisecond, far more than handing it out costs. A multiple of 4.
constexpr std::size_t kTaskValues = 16 * 1024;

}  // namespace

void initialize(std::span<float> values, const Initializer& initializer, const std::string& name,
                ThreadPool& pool) {
  const PhiloxKey key{.seed = initializer.seed, .draw = 0, .stream = hash(name)};
  const std::size_t tasks = (values.size() + kTaskValues - 1) / kTaskValues;
  pool.run(static_cast<std::int64_t>(tasks), [&](std::int64_t task, int /*thread*/) {
    const std::size_t begin = static_cast<std::size_t>(task) * kTaskValues;
    const std::size_t end = std::min(values.size(), begin + kTaskValues);
    for (std::size_t i = begin; i < end; i += 4) {
      const Four four = draw(initializer, philox(key, i / 4));
      for (std::size_t k = 0; k < 4 && i + k < end; ++k) values[i + k] = static_cast<float>(four[k]);
    }
  });
}

}  // namespace attune
