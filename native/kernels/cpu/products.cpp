// The ops that are matrix products: what a set of kernels has of its own that multiplies in another way.

#include "kernels/cpu/kernels.h"

namespace attune::cpu::ATTUNE_ISA {

void register_products(KernelTable& table) {
  register_linear(table);
  register_linear_cross_entropy(table);
}

}  // namespace attune::cpu::ATTUNE_ISA
