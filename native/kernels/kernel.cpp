#include "kernels/kernel.h"

namespace attune {

void KernelTable::add(std::string_view op, DType dtype, Kernel kernel) {
  kernels_[{std::string(op), dtype}] = kernel;
}

const Kernel* KernelTable::find(std::string_view op, DType dtype) const {
  const auto found = kernels_.find({std::string(op), dtype});
  return found == kernels_.end() ? nullptr : &found->second;
}

}  // namespace attune
