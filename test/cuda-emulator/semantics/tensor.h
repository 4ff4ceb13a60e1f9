#pragma once

// Matrix instructions. Fragment layouts are those of the PTX manual, "Matrix Fragments for mma.m16n8k…": lane
// l is row group g = l / 4 and column group c = l % 4. Sums are float, in ascending k.

#include "convert.h"
#include "warp.h"

namespace emulator {

/// Element i of a register by its type.
inline f32 element(bf16, u32 bits, int i) { return to_f32(bf16{static_cast<u16>(bits >> (16 * i))}); }
inline f32 element(f16, u32 bits, int i) { return to_f32(f16{static_cast<u16>(bits >> (16 * i))}); }
struct tf32 {};
/// The lower 13 bits of a tf32 operand are ignored.
inline f32 element(tf32, u32 bits, int) { return __builtin_bit_cast(f32, bits & 0xffffe000u); }
inline s32 element(s8, u32 bits, int i) { return static_cast<s8>(bits >> (8 * i)); }
inline s32 element(u8, u32 bits, int i) { return static_cast<u8>(bits >> (8 * i)); }

template <class T>
inline constexpr int kPerRegister = sizeof(T) == 1 && !std::is_same_v<T, tf32> ? 4 : 2;
template <>
inline constexpr int kPerRegister<tf32> = 1;

template <class A, class B, class Sum, int K>
struct MatrixOperands {
  static constexpr int kPer = kPerRegister<A>;
  // A register holds `kPer` neighbours in k; four lanes side by side make a group of 4 kPer columns.
  static constexpr int kGroups = K / (4 * kPer);
  u32 a[2 * kGroups];
  u32 b[kGroups];
  Sum c[4];
};

template <class A, class B, class Sum, int K>
EMULATOR_UNCHECKED void mma_lanes(Mailbox* lanes, u32, Thread&) {
  using Operands = MatrixOperands<A, B, Sum, K>;
  constexpr int kPer = Operands::kPer;
  static_assert(sizeof(Operands) <= sizeof(Mailbox::in));
  using Row [[gnu::vector_size(8 * sizeof(Sum))]] = Sum;
  Sum a[16][K];
  Row b[K];
  Row c[16];
  for (int lane = 0; lane < 32; ++lane) {
    const auto operands = take<Operands>(lanes[lane].in);
    const int row = lane / 4;
    const int column = lane % 4;
    for (int group = 0; group < Operands::kGroups; ++group) {
      for (int i = 0; i < kPer; ++i) {
        const int k = group * 4 * kPer + column * kPer + i;
        a[row][k] = element(A{}, operands.a[2 * group], i);
        a[row + 8][k] = element(A{}, operands.a[2 * group + 1], i);
        b[k][row] = element(B{}, operands.b[group], i);
      }
    }
    for (int i = 0; i < 2; ++i) {
      c[row][2 * column + i] = operands.c[i];
      c[row + 8][2 * column + i] = operands.c[2 + i];
    }
  }
  for (int i = 0; i < 16; ++i) {
    for (int k = 0; k < K; ++k) c[i] += a[i][k] * b[k];
  }
  for (int lane = 0; lane < 32; ++lane) {
    const int row = lane / 4;
    const int column = 2 * (lane % 4);
    const Sum out[4] = {c[row][column], c[row][column + 1], c[row + 8][column], c[row + 8][column + 1]};
    std::memcpy(lanes[lane].out, out, sizeof out);
  }
}

template <class A, class B, class Sum, int K>
EMULATOR_UNCHECKED inline void mma(Thread& t, const Site& site, Sum (&d)[4],
                                   const MatrixOperands<A, B, Sum, K>& operands) {
  Mailbox& own = t.mailboxes[t.lane];
  put(own.in, operands);
  t.block->runtime->meet(t, site, 0xffffffffu, true, false, mma_lanes<A, B, Sum, K>);
  std::memcpy(d, own.out, sizeof d);
}

/// With f16 sums a register holds two of them.
inline void unpack_sums(f32 (&c)[4], u32 first, u32 second) {
  c[0] = element(f16{}, first, 0);
  c[1] = element(f16{}, first, 1);
  c[2] = element(f16{}, second, 0);
  c[3] = element(f16{}, second, 1);
}
inline u32 pack_sums(f32 first, f32 second) {
  return pair_of<f16x2>(round_to<f16>(first), round_to<f16>(second)).bits;
}

/// Rows of 8 elements of 16 bits: lane 8 m + r brought row r of matrix m.
template <int Count, bool Transposed>
EMULATOR_UNCHECKED void ldmatrix_lanes(Mailbox* lanes, u32, Thread&) {
  for (int lane = 0; lane < 32; ++lane) {
    for (int matrix = 0; matrix < Count; ++matrix) {
      u16 pair[2];
      for (int i = 0; i < 2; ++i) {
        const int row = Transposed ? 2 * (lane % 4) + i : lane / 4;
        const int column = Transposed ? lane / 4 : 2 * (lane % 4) + i;
        std::memcpy(&pair[i], lanes[8 * matrix + row].in + 2 * column, 2);
      }
      std::memcpy(lanes[lane].out + 4 * matrix, pair, 4);
    }
  }
}
EMULATOR_UNCHECKED inline void copy_row(std::byte* to, const u32 (&row)[4]) {
  std::memcpy(to, row, sizeof row);
}

template <int Count, bool Transposed>
inline void ldmatrix(Thread& t, Site& site, u32 (&d)[Count], u32 address) {
  // Only the first 8 Count lanes name rows. They read them themselves, so that a sanitizer sees it.
  if (t.lane < 8 * Count) {
    const std::byte* from = shared(t, site, address, 16);
    const u32 row[4] = {load<u32>(from), load<u32>(from + 4), load<u32>(from + 8), load<u32>(from + 12)};
    copy_row(t.mailboxes[t.lane].in, row);
  }
  t.block->runtime->meet(t, site, 0xffffffffu, true, false, ldmatrix_lanes<Count, Transposed>);
  for (int i = 0; i < Count; ++i) d[i] = take<u32>(t.mailboxes[t.lane].out + 4 * i);
}

/// movmatrix.trans: element (i, j) of an 8 x 8 matrix held as ldmatrix gives it becomes (j, i).
EMULATOR_UNCHECKED inline void transpose_lanes(Mailbox* lanes, u32, Thread&) {
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 2; ++i) {
      const int row = lane / 4;
      const int column = 2 * (lane % 4) + i;
      std::memcpy(lanes[lane].out + 2 * i, lanes[4 * column + row / 2].in + 2 * (row % 2), 2);
    }
  }
}
EMULATOR_UNCHECKED inline u32 movmatrix(Thread& t, const Site& site, u32 value) {
  Mailbox& own = t.mailboxes[t.lane];
  put(own.in, value);
  t.block->runtime->meet(t, site, 0xffffffffu, true, false, transpose_lanes);
  return take<u32>(own.out);
}

}  // namespace emulator
