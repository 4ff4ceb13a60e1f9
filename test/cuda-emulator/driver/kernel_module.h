#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "driver/device_memory.h"
#include "driver/driver_types.h"
#include "semantics/kernel_interface.h"

struct CUfunc_st {
  const emulator::Kernel* kernel = nullptr;
  std::uint32_t max_dynamic_shared_bytes = 0;
};

struct CUmod_st {
  const emulator::Module* module = nullptr;
  void* library = nullptr;
  std::map<std::string, CUfunc_st> functions;
  std::map<std::string, std::pair<CUdeviceptr, std::size_t>> globals;
};

namespace emulator {

/// The PTX of an image: plain text, or the newest in a fat binary that the compute capability runs. Throws
/// DriverError.
[[nodiscard]] std::string ptx_of_image(const void* image, int compute_capability);

/// Translates the PTX, compiles it unless that was done before, and loads it. Throws DriverError.
[[nodiscard]] std::unique_ptr<CUmod_st> load_module(const std::string& ptx, DeviceMemory& memory);
void unload_module(CUmod_st& module, DeviceMemory& memory);

/// The path of a library compiled from the PTX, from the cache when it is there. Throws DriverError.
[[nodiscard]] std::string compile_module(const std::string& ptx);

}  // namespace emulator
