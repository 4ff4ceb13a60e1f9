#pragma once

// Loops over n floats in steps of one Vec. A body is written once and called with Full lanes and, at most
// once, with Partial ones; load(p, lanes) and store(p, v, lanes) do the right thing for both.

#include "kernels/cpu/simd.h"

namespace attune::cpu::ATTUNE_ISA {

struct Full {};
struct Partial {
  std::int64_t count;
};

template <class T>
ATTUNE_INLINE Vec load(const T* p, Full) {
  return load(p);
}
template <class T>
ATTUNE_INLINE Vec load(const T* p, Partial lanes) {
  return load_partial(p, lanes.count);
}
template <class T>
ATTUNE_INLINE void store(T* p, Vec v, Full) {
  store(p, v);
}
template <class T>
ATTUNE_INLINE void store(T* p, Vec v, Partial lanes) {
  store_partial(p, v, lanes.count);
}

/// The numbers of the lanes of the widest vector, as floats.
alignas(64) inline constexpr float kLaneNumbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/// v, and `other` in the lanes that do not count.
ATTUNE_INLINE Vec only(Vec v, Vec /*other*/, Full) { return v; }
ATTUNE_INLINE Vec only(Vec v, Vec other, Partial lanes) {
  return select(less(load(kLaneNumbers), broadcast(static_cast<float>(lanes.count))), v, other);
}

/// body(i, lanes) for i = 0, kWidth, ... below n.
template <class Body>
ATTUNE_INLINE void for_vectors(std::int64_t n, const Body& body) {
  std::int64_t i = 0;
  for (; i + Vec::kWidth <= n; i += Vec::kWidth) body(i, Full{});
  if (i < n) body(i, Partial{n - i});
}

/// Sum of term(i, lanes) over n elements. Four running sums hide the latency of an addition; their order is
/// fixed.
template <class Term>
ATTUNE_INLINE float sum_of(std::int64_t n, const Term& term) {
  constexpr std::int64_t kWidth = Vec::kWidth;
  Vec s0 = zero();
  Vec s1 = zero();
  Vec s2 = zero();
  Vec s3 = zero();
  std::int64_t i = 0;
  for (; i + 4 * kWidth <= n; i += 4 * kWidth) {
    s0 = s0 + term(i, Full{});
    s1 = s1 + term(i + kWidth, Full{});
    s2 = s2 + term(i + 2 * kWidth, Full{});
    s3 = s3 + term(i + 3 * kWidth, Full{});
  }
  for (; i + kWidth <= n; i += kWidth) s0 = s0 + term(i, Full{});
  if (i < n) s1 = s1 + only(term(i, Partial{n - i}), zero(), Partial{n - i});
  return reduce_add((s0 + s1) + (s2 + s3));
}

}  // namespace attune::cpu::ATTUNE_ISA
