#pragma once

// Finding things in cu_seqlens, which only the device knows.

#include <cstdint>

namespace attune::cuda {

/// The last i in [0, count) with key(i) <= wanted, for keys that do not fall; key(0) <= wanted.
template <class Key>
__device__ inline int last_not_above(int count, std::int64_t wanted, const Key& key) {
  int low = 0;
  int high = count;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (key(middle) <= wanted) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

/// The first i in [0, count) with key(i) >= wanted, or count; keys do not fall.
template <class Key>
__device__ inline int first_not_below(int count, std::int64_t wanted, const Key& key) {
  int low = 0;
  int high = count;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (key(middle) < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/// The segment that has the row; not an empty one.
__device__ inline int segment_of_row(const std::int32_t* starts, int segments, std::int64_t row) {
  return last_not_above(segments, row, [&](int s) { return starts[s]; });
}

}  // namespace attune::cuda
