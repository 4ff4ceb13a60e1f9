#pragma once

// The comparisons of setp, set and atom: ordered ones are false for NaN, those that end in u are true.

#include "floating.h"

namespace emulator {

template <class T>
inline auto comparable(T a) {
  if constexpr (kIsHalf<T>)
    return to_f32(a);
  else
    return a;
}
template <class T>
inline bool unordered(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return false;
  else
    return comparable(a) != comparable(a) || comparable(b) != comparable(b);
}
template <class T>
inline bool compare_eq(T a, T b) {
  return comparable(a) == comparable(b);
}
template <class T>
inline bool compare_ne(T a, T b) {
  return !unordered(a, b) && comparable(a) != comparable(b);
}
template <class T>
inline bool compare_lt(T a, T b) {
  return comparable(a) < comparable(b);
}
template <class T>
inline bool compare_le(T a, T b) {
  return comparable(a) <= comparable(b);
}
template <class T>
inline bool compare_gt(T a, T b) {
  return comparable(a) > comparable(b);
}
template <class T>
inline bool compare_ge(T a, T b) {
  return comparable(a) >= comparable(b);
}
template <class T>
inline bool compare_equ(T a, T b) {
  return unordered(a, b) || compare_eq(a, b);
}
template <class T>
inline bool compare_neu(T a, T b) {
  return unordered(a, b) || compare_ne(a, b);
}
template <class T>
inline bool compare_ltu(T a, T b) {
  return unordered(a, b) || compare_lt(a, b);
}
template <class T>
inline bool compare_leu(T a, T b) {
  return unordered(a, b) || compare_le(a, b);
}
template <class T>
inline bool compare_gtu(T a, T b) {
  return unordered(a, b) || compare_gt(a, b);
}
template <class T>
inline bool compare_geu(T a, T b) {
  return unordered(a, b) || compare_ge(a, b);
}
template <class T>
inline bool compare_num(T a, T b) {
  return !unordered(a, b);
}
template <class T>
inline bool compare_nan(T a, T b) {
  return unordered(a, b);
}

}  // namespace emulator
