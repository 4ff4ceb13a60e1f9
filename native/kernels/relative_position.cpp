#include "kernels/relative_position.h"

#include <algorithm>
#include <cmath>

namespace attune {

std::int64_t RelativeBuckets::of(std::int64_t distance) const {
  const std::int64_t first = bidirectional && distance > 0 ? one_way() : 0;
  const std::int64_t far = bidirectional ? std::abs(distance) : std::max<std::int64_t>(0, -distance);
  if (far < exact()) return first + far;
  const auto start = static_cast<float>(exact());
  const auto range =
      static_cast<float>(std::log(static_cast<double>(max_distance) / static_cast<double>(exact())));
  const float place =
      std::log(static_cast<float>(far) / start) / range * static_cast<float>(one_way() - exact());
  return first + std::min(exact() + static_cast<std::int64_t>(place), one_way() - 1);
}

}  // namespace attune
