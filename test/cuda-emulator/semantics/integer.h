#pragma once

// Integer and bit instructions, by the definitions of the PTX manual's chapters "Integer Arithmetic" and
// "Logic and Shift".

#include "register.h"

namespace emulator {

template <class T>
using Unsigned = std::make_unsigned_t<T>;

template <int Bytes, bool Signed>
struct IntegerOf;
template <>
struct IntegerOf<4, true> {
  using type = s32;
};
template <>
struct IntegerOf<4, false> {
  using type = u32;
};
template <>
struct IntegerOf<8, true> {
  using type = s64;
};
template <>
struct IntegerOf<8, false> {
  using type = u64;
};
template <>
struct IntegerOf<16, true> {
  using type = __int128;
};
template <>
struct IntegerOf<16, false> {
  using type = unsigned __int128;
};
template <class T>
using Wide = typename IntegerOf<2 * sizeof(T), std::is_signed_v<T>>::type;

// Two's complement wraps in PTX; signed overflow would be undefined here.
template <class T>
inline T add(T a, T b) {
  return static_cast<T>(static_cast<Unsigned<T>>(static_cast<u64>(a) + static_cast<u64>(b)));
}
template <class T>
inline T sub(T a, T b) {
  return static_cast<T>(static_cast<Unsigned<T>>(static_cast<u64>(a) - static_cast<u64>(b)));
}
template <class T>
inline T mul_lo(T a, T b) {
  return static_cast<T>(static_cast<Unsigned<T>>(static_cast<u64>(a) * static_cast<u64>(b)));
}
template <class T>
inline Wide<T> mul_wide(T a, T b) {
  return static_cast<Wide<T>>(a) * static_cast<Wide<T>>(b);
}
template <class T>
inline T mul_hi(T a, T b) {
  return static_cast<T>(mul_wide(a, b) >> (8 * sizeof(T)));
}
template <class T>
inline Wide<T> mad_wide(T a, T b, Wide<T> c) {
  return add<Wide<T>>(mul_wide(a, b), c);
}

inline s32 clamp_s32(s64 value) {
  if (value > INT32_MAX) return INT32_MAX;
  return value < INT32_MIN ? INT32_MIN : static_cast<s32>(value);
}
inline s32 add_sat(s32 a, s32 b) { return clamp_s32(s64{a} + b); }
inline s32 sub_sat(s32 a, s32 b) { return clamp_s32(s64{a} - b); }

// With carry: `carry` is the condition code register CC.CF (for sub, the borrow).
template <class T>
inline T add_cc(T a, T b, bool in, bool& carry) {
  const auto wide =
      static_cast<unsigned __int128>(static_cast<Unsigned<T>>(a)) + static_cast<Unsigned<T>>(b) + in;
  carry = (wide >> (8 * sizeof(T))) != 0;
  return static_cast<T>(wide);
}
template <class T>
inline T sub_cc(T a, T b, bool in, bool& borrow) {
  const auto wide =
      static_cast<unsigned __int128>(static_cast<Unsigned<T>>(a)) - static_cast<Unsigned<T>>(b) - in;
  borrow = (wide >> (8 * sizeof(T))) != 0;
  return static_cast<T>(wide);
}

// Division by zero gives an unspecified value on the machine: all ones, as GPUs do, for the quotient.
template <class T>
inline T div(T a, T b) {
  if (b == 0) return static_cast<T>(~T{0});
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) return sub<T>(0, a);
  }
  return static_cast<T>(a / b);
}
template <class T>
inline T rem(T a, T b) {
  if (b == 0) return a;
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) return 0;
  }
  return static_cast<T>(a % b);
}

template <class T>
inline T abs(T a) {
  return a < 0 ? sub<T>(0, a) : a;
}
template <class T>
inline T neg(T a) {
  return sub<T>(0, a);
}
template <class T>
inline T min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
inline T max(T a, T b) {
  return a < b ? b : a;
}
template <class T>
inline u32 sad_term(T a, T b) {
  return static_cast<u32>(a < b ? sub<T>(b, a) : sub<T>(a, b));
}

// Shift amounts are clamped to the width.
template <class T>
inline T shl(T a, u32 n) {
  return n >= 8 * sizeof(T) ? T{0} : static_cast<T>(static_cast<Unsigned<T>>(a) << n);
}
template <class T>
inline T shr(T a, u32 n) {
  if (n >= 8 * sizeof(T)) return a < 0 ? static_cast<T>(-1) : T{0};
  return static_cast<T>(a >> n);
}
/// shf.l: the upper word of {b, a} << n; shf.r: the lower word of {b, a} >> n.
inline u32 shf_l(u32 a, u32 b, u32 n) {
  const u64 both = u64{b} << 32 | a;
  return n == 0 ? b : static_cast<u32>(both >> (32 - n));
}
inline u32 shf_r(u32 a, u32 b, u32 n) { return static_cast<u32>((u64{b} << 32 | a) >> n); }
inline u32 shf_wrap(u32 n) { return n & 31; }
inline u32 shf_clamp(u32 n) { return n < 32 ? n : 32; }

template <class T>
inline u32 popc(T a) {
  return static_cast<u32>(__builtin_popcountll(a));
}
inline u32 clz(u32 a) { return a == 0 ? 32 : static_cast<u32>(__builtin_clz(a)); }
inline u32 clz(u64 a) { return a == 0 ? 64 : static_cast<u32>(__builtin_clzll(a)); }
template <class T>
inline T brev(T a) {
  T result = 0;
  for (unsigned i = 0; i < 8 * sizeof(T); ++i) result = static_cast<T>(result << 1 | (a >> i & 1));
  return result;
}
/// The highest bit that differs from the sign, or all ones.
template <class T>
inline u32 bfind(T a, bool shift_amount) {
  const auto bits = static_cast<Unsigned<T>>(a < 0 ? static_cast<T>(~a) : a);
  if (bits == 0) return 0xffffffffu;
  const u32 position = 63 - static_cast<u32>(__builtin_clzll(bits));
  return shift_amount ? static_cast<u32>(8 * sizeof(T)) - 1 - position : position;
}
template <class T>
inline T bfe(T a, u32 position, u32 length) {
  const u32 last = 8 * sizeof(T) - 1;
  position &= 255;
  length &= 255;
  bool sign = false;
  if constexpr (std::is_signed_v<T>) {
    if (length != 0) sign = (a >> min<u32>(position + length - 1, last) & 1) != 0;
  }
  Unsigned<T> result = 0;
  for (u32 i = 0; i <= last; ++i) {
    const bool bit =
        i < length && position + i <= last ? (static_cast<Unsigned<T>>(a) >> (position + i) & 1) != 0 : sign;
    result |= static_cast<Unsigned<T>>(bit) << i;
  }
  return static_cast<T>(result);
}
template <class T>
inline T bfi(T a, T b, u32 position, u32 length) {
  position &= 255;
  length &= 255;
  for (u32 i = 0; i < length && position + i < 8 * sizeof(T); ++i) {
    b = static_cast<T>((b & ~(T{1} << (position + i))) | ((a >> i & 1) << (position + i)));
  }
  return b;
}
/// Bit i of the result is bit (a_i b_i c_i) of the table.
inline u32 lop3(u32 a, u32 b, u32 c, u32 table) {
  u32 result = 0;
  if ((table & 0x01) != 0) result |= ~a & ~b & ~c;
  if ((table & 0x02) != 0) result |= ~a & ~b & c;
  if ((table & 0x04) != 0) result |= ~a & b & ~c;
  if ((table & 0x08) != 0) result |= ~a & b & c;
  if ((table & 0x10) != 0) result |= a & ~b & ~c;
  if ((table & 0x20) != 0) result |= a & ~b & c;
  if ((table & 0x40) != 0) result |= a & b & ~c;
  if ((table & 0x80) != 0) result |= a & b & c;
  return result;
}

/// One byte of the pair {b, a}; bit 3 of the selector replicates its sign.
inline u32 prmt_byte(u32 a, u32 b, u32 selector) {
  const u32 byte = static_cast<u32>((u64{b} << 32 | a) >> (8 * (selector & 7)) & 255);
  if ((selector & 8) == 0) return byte;
  return (byte & 128) != 0 ? 255 : 0;
}
inline u32 prmt(u32 a, u32 b, u32 c) {
  u32 result = 0;
  for (int i = 0; i < 4; ++i) result |= prmt_byte(a, b, c >> (4 * i) & 15) << (8 * i);
  return result;
}
/// The modes f4e, b4e, rc8, ecl, ecr, rc16 as selectors, by the low two bits of c.
inline u32 prmt_mode(u32 a, u32 b, u32 c, const u16 (&selectors)[4]) { return prmt(a, b, selectors[c & 3]); }
inline constexpr u16 kF4e[4] = {0x3210, 0x4321, 0x5432, 0x6543};
inline constexpr u16 kB4e[4] = {0x5670, 0x6701, 0x7012, 0x0123};
inline constexpr u16 kRc8[4] = {0x0000, 0x1111, 0x2222, 0x3333};
inline constexpr u16 kEcl[4] = {0x3210, 0x3211, 0x3222, 0x3333};
inline constexpr u16 kEcr[4] = {0x0000, 0x1110, 0x2210, 0x3210};
inline constexpr u16 kRc16[4] = {0x1010, 0x3232, 0x1010, 0x3232};

/// Four products of bytes, added to c.
template <class A, class B>
inline u32 dp4a(u32 a, u32 b, u32 c) {
  for (int i = 0; i < 4; ++i) {
    c += static_cast<u32>(static_cast<s32>(static_cast<A>(a >> (8 * i))) *
                          static_cast<s32>(static_cast<B>(b >> (8 * i))));
  }
  return c;
}

}  // namespace emulator
