#pragma once

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace emulator {

/// In which order threads and blocks run. A program whose result depends on it has a race.
///   forward: warps ascending, each as far as it can go; blocks ascending
///   reverse: lanes and warps descending, turn and turn about; blocks descending
///   random:  some warp as far as it can go, then some other; blocks shuffled
enum class Order { forward, reverse, random };

/// Xorshift: the same order for the same seed on any machine.
class OrderRandom {
 public:
  explicit OrderRandom(std::uint32_t seed) : state_(seed * 2654435761u + 1) {}
  /// Below `bound`.
  std::uint32_t next(std::uint32_t bound) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return static_cast<std::uint32_t>((std::uint64_t{state_} * bound) >> 32);
  }

 private:
  std::uint32_t state_;
};

inline std::vector<std::uint32_t> permutation(std::uint32_t count, Order order, OrderRandom& random) {
  std::vector<std::uint32_t> indices(count);
  std::iota(indices.begin(), indices.end(), 0u);
  if (order == Order::reverse) {
    for (std::uint32_t i = 0; i < count; ++i) indices[i] = count - 1 - i;
  }
  if (order == Order::random) {
    for (std::uint32_t i = count; i > 1; --i) std::swap(indices[i - 1], indices[random.next(i)]);
  }
  return indices;
}

}  // namespace emulator
