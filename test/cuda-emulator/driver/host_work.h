#pragma once

// For libraries that stand in for NVIDIA's own: what a kernel of theirs does is a function of the host's.

#include <functional>
#include <string>

#include "driver/driver_types.h"

namespace emulator {

/// Where the host finds `bytes` bytes of device memory; null when they are not all in one live allocation.
__attribute__((visibility("default"))) std::byte* device_bytes(CUdeviceptr address, std::size_t bytes);

/// Queues `kernel` as if it were one of the device's: it runs in its turn, a capture records it and
/// `fail-launch` counts it. What it answers, if anything, is what went wrong: then the context is broken.
__attribute__((visibility("default"))) CUresult queue_host_work(const char* name, CUstream stream,
                                                                std::function<std::string()> kernel);

}  // namespace emulator
