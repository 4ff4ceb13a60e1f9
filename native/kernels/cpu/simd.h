#pragma once

// The one file with intrinsics. Kernel sources are compiled once per instruction set, each time with another
// ATTUNE_ISA (portable, avx2, avx512), and everything in them lives in namespace attune::cpu::ATTUNE_ISA.
// Keep inline functions of the standard library out of kernels where their code could differ by instruction set: the linker
// keeps one copy of an inline function, and it may be the one this processor cannot run.

#ifndef ATTUNE_ISA
#error "ATTUNE_ISA is set by binding.gyp"
#endif
