// Every CPU kernel of one instruction set, in one list.

#include "kernels/cpu/kernels.h"

namespace attune::cpu::ATTUNE_ISA {

void register_kernels(KernelTable& table) {
  register_adamw(table);
  register_column_sum(table);
  register_linear(table);
  register_linear_cross_entropy(table);
}

}  // namespace attune::cpu::ATTUNE_ISA
