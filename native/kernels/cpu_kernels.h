#pragma once

#include <string>
#include <vector>

#include "kernels/kernel.h"

namespace attune {

/// Instruction sets of this build that this processor can run, the best first. 'portable' is always there.
[[nodiscard]] std::vector<std::string> cpu_instruction_sets();

/// All CPU kernels of one instruction set. Throws Error{"unsupported-device"} where it cannot run here.
[[nodiscard]] KernelTable cpu_kernels(const std::string& instruction_set);

}  // namespace attune
