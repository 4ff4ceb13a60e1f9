#include "driver/kernel_module.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "driver/driver_error.h"

namespace emulator {
namespace {

/// What a block may use without asking: static and dynamic together.
constexpr std::uint32_t kDefaultSharedBytes = 48 << 10;

/// A library that is loaded already would share its variables with the first module: then a copy of it is
/// loaded.
void* load_library(const std::string& path) {
  void* loaded = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (loaded == nullptr) return dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  dlclose(loaded);
  static int copies = 0;
  const std::string copy = path + "." + std::to_string(getpid()) + "." + std::to_string(copies++);
  std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
  void* result = dlopen(copy.c_str(), RTLD_NOW | RTLD_LOCAL);
  std::filesystem::remove(copy);
  return result;
}

void place_globals(CUmod_st& loaded, DeviceMemory& memory) {
  const Module& module = *loaded.module;
  for (std::uint32_t i = 0; i < module.global_count; ++i) {
    const GlobalVariable& variable = module.globals[i];
    *variable.address = memory.allocate(variable.bytes);
    std::byte* at = memory.host(*variable.address, variable.bytes);
    if (at == nullptr) throw DriverError(CUDA_ERROR_OUT_OF_MEMORY);
    if (variable.initial != nullptr)
      std::memcpy(at, variable.initial, variable.bytes);
    else
      std::memset(at, 0, variable.bytes);
    loaded.globals[variable.name] = {*variable.address, variable.bytes};
  }
}

}  // namespace

std::unique_ptr<CUmod_st> load_module(const std::string& ptx, DeviceMemory& memory) {
  auto loaded = std::make_unique<CUmod_st>();
  loaded->library = load_library(compile_module(ptx));
  if (loaded->library == nullptr) throw DriverError(CUDA_ERROR_INVALID_IMAGE, dlerror());
  loaded->module = static_cast<const Module*>(dlsym(loaded->library, "emulator_module"));
  if (loaded->module == nullptr) throw DriverError(CUDA_ERROR_INVALID_IMAGE, dlerror());
  place_globals(*loaded, memory);
  for (std::uint32_t i = 0; i < loaded->module->kernel_count; ++i) {
    const Kernel& kernel = loaded->module->kernels[i];
    if (kernel.static_shared_bytes > kDefaultSharedBytes) {
      throw DriverError(CUDA_ERROR_INVALID_PTX,
                        std::string(kernel.name) + " has more than 48 KiB of static shared memory");
    }
    loaded->functions[kernel.name] = {&kernel, kDefaultSharedBytes - kernel.static_shared_bytes};
  }
  return loaded;
}

void unload_module(CUmod_st& module, DeviceMemory& memory) {
  for (const auto& [name, place] : module.globals) memory.release(place.first);
  dlclose(module.library);
}

}  // namespace emulator
