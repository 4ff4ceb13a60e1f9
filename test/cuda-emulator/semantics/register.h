#pragma once

// Registers hold bits; an instruction's type says how they are read and written.

#include <cmath>
#include <cstring>
#include <type_traits>

#include "kernel_interface.h"

namespace emulator {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using s8 = std::int8_t;
using s16 = std::int16_t;
using s32 = std::int32_t;
using s64 = std::int64_t;
using f32 = float;
using f64 = double;

// Halves and pairs stay bits until an instruction computes with them.
struct f16 {
  u16 bits;
};
struct bf16 {
  u16 bits;
};
struct f16x2 {
  u32 bits;
};
struct bf16x2 {
  u32 bits;
};

template <int Bytes>
struct BitsOf;
template <>
struct BitsOf<1> {
  using type = u8;
};
template <>
struct BitsOf<2> {
  using type = u16;
};
template <>
struct BitsOf<4> {
  using type = u32;
};
template <>
struct BitsOf<8> {
  using type = u64;
};
template <class T>
using Bits = typename BitsOf<sizeof(T)>::type;

template <class T>
inline Bits<T> bits_of(T value) {
  return __builtin_bit_cast(Bits<T>, value);
}

/// A register as type T: its low bits, or zero-extended.
template <class T, class Register>
inline T as(Register value) {
  if constexpr (std::is_same_v<T, Register>) {
    return value;
  } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<Register, bool>) {
    static_assert(std::is_same_v<T, Register>, "a predicate is no number");
  } else {
    return __builtin_bit_cast(T, static_cast<Bits<T>>(bits_of(value)));
  }
}

/// Writes a result to a register, which may be wider than it: then it is sign- or zero-extended.
template <class Register, class T>
inline void set(Register& to, T value) {
  if constexpr (std::is_same_v<T, Register>) {
    to = value;
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T> && sizeof(Register) > sizeof(T)) {
    to = as<Register>(static_cast<u64>(static_cast<s64>(value)));
  } else {
    to = as<Register>(value);
  }
}

}  // namespace emulator
