#pragma once

#include "kernels/cpu/simd.h"
#include "kernels/kernel.h"

namespace attune::cpu::ATTUNE_ISA {

// A file per op, each with one function that adds its rows to the table:
//   void register_<op>(KernelTable&);

void register_adamw(KernelTable& table);
void register_column_sum(KernelTable& table);
void register_linear(KernelTable& table);
void register_linear_cross_entropy(KernelTable& table);

void register_kernels(KernelTable& table);

}  // namespace attune::cpu::ATTUNE_ISA
