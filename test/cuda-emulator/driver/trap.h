#pragma once

#include "driver/device_memory.h"

namespace emulator {

/// Explains the crash of a host that reads or writes device memory, then lets it happen.
void install_trap(const DeviceMemory& memory);

}  // namespace emulator
