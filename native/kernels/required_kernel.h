#pragma once

#include <string>

#include "backend/device.h"
#include "kernels/kernel.h"

namespace attune {

/// Throws Error{"missing-kernel"} naming op, device, dtype and where it is needed.
[[nodiscard]] inline const Kernel& required_kernel(const Device& device, std::string_view op, DType dtype,
                                                   const std::string& where) {
  const Kernel* kernel = device.kernels().find(op, dtype);
  if (kernel != nullptr) return *kernel;
  throw Error("missing-kernel", where,
              "There is no kernel for " + std::string(op) + " on " + device.name() + " with dtype " +
                  std::string(name_of(dtype)) + " (needed at " + where + ").");
}

}  // namespace attune
