#pragma once

// Four floats in plain loops: every 64-bit compiler turns them into its 128-bit vectors.

namespace attune::cpu::ATTUNE_ISA {

struct Vec {
  static constexpr int kWidth = 4;
  static constexpr int kRegisters = 16;
  static constexpr bool kFmaReads = false;
  float v[4];
};
struct Mask {
  bool m[4];
};

/// One lane at a time: out[i] = expression of i.
template <class Lane>
ATTUNE_INLINE Vec lanes_of(const Lane& lane) {
  return {{lane(0), lane(1), lane(2), lane(3)}};
}

ATTUNE_INLINE Vec broadcast(float value) { return {{value, value, value, value}}; }
ATTUNE_INLINE Vec zero() { return broadcast(0.0F); }

template <class T>
ATTUNE_INLINE Vec load(const T* p) {
  return {{to_float(p[0]), to_float(p[1]), to_float(p[2]), to_float(p[3])}};
}
template <class T>
ATTUNE_INLINE Vec load_partial(const T* p, std::int64_t count) {
  Vec out = zero();
  for (std::int64_t i = 0; i < count; ++i) out.v[i] = to_float(p[i]);
  return out;
}
ATTUNE_INLINE Vec look_up_nibbles(const std::uint8_t* p, const float* values) {
  return {{values[p[0] >> 4], values[p[0] & 15], values[p[1] >> 4], values[p[1] & 15]}};
}
template <class T>
ATTUNE_INLINE void store(T* p, Vec a) {
  for (int i = 0; i < 4; ++i) p[i] = from_float<T>(a.v[i]);
}
template <class T>
ATTUNE_INLINE void store_partial(T* p, Vec a, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) p[i] = from_float<T>(a.v[i]);
}

ATTUNE_INLINE Vec operator+(Vec a, Vec b) {
  return lanes_of([&](int i) { return a.v[i] + b.v[i]; });
}
ATTUNE_INLINE Vec operator-(Vec a, Vec b) {
  return lanes_of([&](int i) { return a.v[i] - b.v[i]; });
}
ATTUNE_INLINE Vec operator*(Vec a, Vec b) {
  return lanes_of([&](int i) { return a.v[i] * b.v[i]; });
}
ATTUNE_INLINE Vec operator/(Vec a, Vec b) {
  return lanes_of([&](int i) { return a.v[i] / b.v[i]; });
}
/// Fused where the compiler contracts (ARM), two roundings elsewhere: a call of fmaf per lane would cost 50
/// times more.
ATTUNE_INLINE Vec fma(Vec a, Vec b, Vec c) {
  return lanes_of([&](int i) { return a.v[i] * b.v[i] + c.v[i]; });
}
ATTUNE_INLINE Vec fma_element(const float* a, Vec b, Vec c) { return fma(broadcast(*a), b, c); }
ATTUNE_INLINE Vec fnma(Vec a, Vec b, Vec c) {
  return lanes_of([&](int i) { return c.v[i] - a.v[i] * b.v[i]; });
}
/// Both give b where either is NaN.
ATTUNE_INLINE Vec min(Vec a, Vec b) {
  return lanes_of([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
}
ATTUNE_INLINE Vec max(Vec a, Vec b) {
  return lanes_of([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
ATTUNE_INLINE Vec sqrt(Vec a) {
  return lanes_of([&](int i) { return __builtin_sqrtf(a.v[i]); });
}
ATTUNE_INLINE Vec abs(Vec a) {
  return lanes_of([&](int i) { return __builtin_fabsf(a.v[i]); });
}
ATTUNE_INLINE Vec negate(Vec a) {
  return lanes_of([&](int i) { return -a.v[i]; });
}
ATTUNE_INLINE Vec copy_sign(Vec magnitude, Vec sign) {
  return lanes_of([&](int i) { return __builtin_copysignf(magnitude.v[i], sign.v[i]); });
}
/// To the nearest whole number, ties to even, for |a| < 2^22: adding 1.5 * 2^23 leaves no room for a
/// fraction.
ATTUNE_INLINE Vec round(Vec a) {
  return lanes_of([&](int i) {
    constexpr float kShift = 12582912.0F;
    return (a.v[i] + kShift) - kShift;
  });
}
/// a 2^n for whole n in [-250, 250]; overflow gives infinity, underflow subnormals and 0. Two factors,
/// because 2^n alone leaves the exponent's range before a 2^n does.
ATTUNE_INLINE Vec scale_by_power_of_two(Vec a, Vec n) {
  return lanes_of([&](int i) {
    const float clean = n.v[i] == n.v[i] ? n.v[i] : 0.0F;
    const auto whole = static_cast<std::int32_t>(clean);
    const std::int32_t half = whole >> 1;
    const float first = std::bit_cast<float>((half + 127) << 23);
    const float second = std::bit_cast<float>((whole - half + 127) << 23);
    return a.v[i] * first * second;
  });
}
/// 2^n of n + kPowerShift, n whole in [-127, 127]: 0 for -127.
ATTUNE_INLINE Vec power_of_two(Vec shifted) {
  return lanes_of(
      [&](int i) { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(shifted.v[i]) << 23); });
}

ATTUNE_INLINE Mask less(Vec a, Vec b) {
  return {{a.v[0] < b.v[0], a.v[1] < b.v[1], a.v[2] < b.v[2], a.v[3] < b.v[3]}};
}
ATTUNE_INLINE Vec select(Mask mask, Vec a, Vec b) {
  return lanes_of([&](int i) { return mask.m[i] ? a.v[i] : b.v[i]; });
}

ATTUNE_INLINE float reduce_add(Vec a) { return (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]); }
ATTUNE_INLINE float reduce_max(Vec a) {
  const float even = a.v[0] > a.v[2] ? a.v[0] : a.v[2];
  const float odd = a.v[1] > a.v[3] ? a.v[1] : a.v[3];
  return even > odd ? even : odd;
}

/// rows[i][j] <-> rows[j][i].
ATTUNE_INLINE void transpose(Vec (&rows)[4]) {
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < i; ++j) {
      const float kept = rows[i].v[j];
      rows[i].v[j] = rows[j].v[i];
      rows[j].v[i] = kept;
    }
  }
}

ATTUNE_INLINE void prefetch(const void* p) { __builtin_prefetch(p); }
ATTUNE_INLINE void prefetch_second_level(const void* p) { __builtin_prefetch(p, 0, 2); }

}  // namespace attune::cpu::ATTUNE_ISA
