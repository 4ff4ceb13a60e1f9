#pragma once

// One vector of floats per instruction set, and the functions kernels need on it. Intrinsics live in simd/
// alone: one file per instruction set with the same names, because a kernel written over `Vec` then exists
// once.
//
// Kernel sources are compiled once per instruction set, each time with another ATTUNE_ISA (portable, avx2,
// avx512, avx512_bf16, avx512_amx, neon), and everything in them lives in namespace attune::cpu::ATTUNE_ISA.
// Keep inline functions of the standard library out of kernels where their code could differ by instruction
// set: the linker keeps one copy of an inline function, and it may be the one this processor cannot run. One
// kind is left, std::any's manager of each argument struct, which any_cast compares with: the ops make these
// anys, so objects of the main target, which the linker reads before the kernels' archives, define the same
// ones.
//
//   Vec::kWidth, Vec::kRegisters          lanes of a vector, and how many vectors registers hold
//   load(p), load_partial(p, count)       float, bfloat16 or (load) int8; lanes past count are 0, not read
//   store(p, v), store_partial(p, v, n)   rounds to nearest even for bfloat16
//   look_up_nibbles(p, values)            of kWidth codes of 4 bits, a byte's high ones first
//   broadcast, zero, + - * /, min, max, abs, sqrt, negate, copy_sign, round
//   fma(a, b, c), fnma(a, b, c)           a b + c, c - a b
//   fma_element(p, b, c)                  p[0] b + c; Vec::kFmaReads: one instruction reads, repeats and adds
//   less(a, b), select(mask, a, b)        a Mask, and a where it is set, b elsewhere
//   reduce_add, reduce_max                the order of the sum is fixed per instruction set
//   transpose(rows)                       a square of kWidth vectors, in registers
//   exp, sigmoid, tanh, erf               1 to 2.5 units in the last place; NaN stays NaN
//   exp_of_nonpositive                    the same of x <= 0

#ifndef ATTUNE_ISA
#error "ATTUNE_ISA is set by binding.gyp"
#endif

#include <cstddef>
#include <cstdint>

#include "core/dtype.h"

#if defined(__GNUC__)
#define ATTUNE_INLINE inline __attribute__((always_inline))
#else
#define ATTUNE_INLINE inline
#endif

namespace attune::cpu::ATTUNE_ISA {
/// 1.5 * 2^23 + 127: a number less than 2^22 that is added to it leaves its whole part, plus an exponent's
/// bias, in the last bits of the sum.
inline constexpr float kPowerShift = 12583039.0F;
}  // namespace attune::cpu::ATTUNE_ISA

#if defined(ATTUNE_AVX512)
#include "kernels/cpu/simd/avx512.h"
#elif defined(ATTUNE_AVX2)
#include "kernels/cpu/simd/avx2.h"
#elif defined(ATTUNE_NEON)
#include "kernels/cpu/simd/neon.h"
#else
#include "kernels/cpu/simd/portable.h"
#endif

#include "kernels/cpu/simd/math.h"
