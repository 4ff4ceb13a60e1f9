#pragma once

// atom and red. The builtins tell the race detector that these accesses are atomic.

#include "compare.h"
#include "memory.h"

namespace emulator {

template <class T, class Operation>
inline T atomic(std::byte* at, Operation operation) {
  auto* place = reinterpret_cast<Bits<T>*>(at);
  Bits<T> old = __atomic_load_n(place, __ATOMIC_RELAXED);
  for (;;) {
    const T next = operation(__builtin_bit_cast(T, old));
    if (__atomic_compare_exchange_n(place, &old, bits_of(next), false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
      return __builtin_bit_cast(T, old);
    }
  }
}

template <class T>
inline T atomic_add(std::byte* at, T value) {
  return atomic<T>(at, [value](T old) { return add(old, value); });
}
template <class T>
inline T atomic_exch(std::byte* at, T value) {
  return atomic<T>(at, [value](T) { return value; });
}
template <class T>
inline T atomic_cas(std::byte* at, T expected, T value) {
  return atomic<T>(at, [expected, value](T old) { return bits_of(old) == bits_of(expected) ? value : old; });
}
template <class T>
inline T atomic_and(std::byte* at, T value) {
  return atomic<T>(at, [value](T old) { return static_cast<T>(old & value); });
}
template <class T>
inline T atomic_or(std::byte* at, T value) {
  return atomic<T>(at, [value](T old) { return static_cast<T>(old | value); });
}
template <class T>
inline T atomic_xor(std::byte* at, T value) {
  return atomic<T>(at, [value](T old) { return static_cast<T>(old ^ value); });
}
template <class T>
inline T atomic_min(std::byte* at, T value) {
  return atomic<T>(at, [value](T old) {
    if constexpr (std::is_integral_v<T>)
      return min(old, value);
    else
      return float_min<false>(old, value);
  });
}
template <class T>
inline T atomic_max(std::byte* at, T value) {
  return atomic<T>(at, [value](T old) {
    if constexpr (std::is_integral_v<T>)
      return max(old, value);
    else
      return float_max<false>(old, value);
  });
}
/// Counts up to `limit` and starts again at 0.
template <class T>
inline T atomic_inc(std::byte* at, T limit) {
  return atomic<T>(at, [limit](T old) { return old >= limit ? T{0} : add<T>(old, 1); });
}
/// Counts down to 0 and starts again at `limit`.
template <class T>
inline T atomic_dec(std::byte* at, T limit) {
  return atomic<T>(at, [limit](T old) { return old == 0 || old > limit ? limit : sub<T>(old, 1); });
}

}  // namespace emulator
