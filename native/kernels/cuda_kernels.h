#pragma once

#include "kernels/kernel.h"

namespace attune {

/// All CUDA kernels. Their launchers take the context's device for a CudaDevice.
[[nodiscard]] KernelTable cuda_kernels();

}  // namespace attune
