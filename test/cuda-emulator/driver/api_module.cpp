// Driver functions: modules, kernels and launches.

#include <cstring>
#include <string>

#include "driver/call.h"

using emulator::call_in_context;
using emulator::Device;
using emulator::DriverError;
using emulator::required;

namespace {

std::vector<std::byte> gather(const emulator::Kernel& kernel, void* const* arguments) {
  std::vector<std::byte> parameters((kernel.parameter_bytes + 15) / 16 * 16 + 16);
  for (std::uint32_t i = 0; i < kernel.parameter_count; ++i) {
    if (arguments == nullptr || arguments[i] == nullptr) {
      throw DriverError(CUDA_ERROR_INVALID_VALUE,
                        std::string(kernel.name) + ": argument " + std::to_string(i) + " is missing");
    }
    std::memcpy(parameters.data() + kernel.parameters[i].offset, arguments[i], kernel.parameters[i].bytes);
  }
  return parameters;
}

}  // namespace

EMULATOR_API CUresult cuModuleLoadData(CUmodule* module, const void* image) {
  return call_in_context("cuModuleLoadData", [&](Device& device) {
    const std::string ptx = emulator::ptx_of_image(&required(static_cast<const char*>(image)),
                                                   device.settings.compute_capability);
    required(module) = device.modules.add(emulator::load_module(ptx, device.memory));
    device.tape.loaded(**module, ptx);
  });
}
EMULATOR_API CUresult cuModuleLoadDataEx(CUmodule* module, const void* image, unsigned, int*, void**) {
  return cuModuleLoadData(module, image);
}
EMULATOR_API CUresult cuModuleUnload(CUmodule module) {
  return call_in_context("cuModuleUnload", [&](Device& device) {
    CUmod_st& unloaded = device.modules.at(module);
    device.drain_all();
    device.tape.unloaded(unloaded);
    emulator::unload_module(unloaded, device.memory);
    device.modules.remove(module);
  });
}
EMULATOR_API CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
  return call_in_context("cuModuleGetFunction", [&](Device& device) {
    CUmod_st& in = device.modules.at(module);
    const auto found = in.functions.find(&required(name));
    if (found == in.functions.end())
      throw DriverError(CUDA_ERROR_NOT_FOUND, std::string("the module has no kernel ") + name);
    required(function) = &found->second;
  });
}
EMULATOR_API CUresult cuModuleGetGlobal_v2(CUdeviceptr* address, std::size_t* bytes, CUmodule module,
                                           const char* name) {
  return call_in_context("cuModuleGetGlobal", [&](Device& device) {
    CUmod_st& in = device.modules.at(module);
    const auto found = in.globals.find(&required(name));
    if (found == in.globals.end())
      throw DriverError(CUDA_ERROR_NOT_FOUND, std::string("the module has no variable ") + name);
    if (address != nullptr) *address = found->second.first;
    if (bytes != nullptr) *bytes = found->second.second;
  });
}

EMULATOR_API CUresult cuFuncGetAttribute(int* value, CUfunction_attribute which, CUfunction function) {
  return call_in_context("cuFuncGetAttribute", [&](Device& device) {
    const CUfunc_st& of = required(function);
    switch (which) {
      case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
        required(value) = static_cast<int>(of.kernel->max_threads);
        return;
      case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
        required(value) = static_cast<int>(of.kernel->static_shared_bytes);
        return;
      case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
        required(value) = static_cast<int>(of.kernel->local_bytes);
        return;
      case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES:
      case CU_FUNC_ATTRIBUTE_NUM_REGS:  // only ptxas knows
        required(value) = 0;
        return;
      case CU_FUNC_ATTRIBUTE_PTX_VERSION:
      case CU_FUNC_ATTRIBUTE_BINARY_VERSION:
        required(value) = device.settings.compute_capability;
        return;
      case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
        required(value) = static_cast<int>(of.max_dynamic_shared_bytes);
        return;
      case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
        required(value) = -1;
        return;
    }
    throw DriverError(CUDA_ERROR_INVALID_VALUE,
                      "function attribute " + std::to_string(which) + " is not emulated");
  });
}
EMULATOR_API CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute which, int value) {
  return call_in_context("cuFuncSetAttribute", [&](Device& device) {
    CUfunc_st& of = required(function);
    if (which == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT) return;
    if (which != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) {
      throw DriverError(CUDA_ERROR_INVALID_VALUE,
                        "function attribute " + std::to_string(which) + " cannot be set");
    }
    const std::uint32_t most =
        emulator::max_shared_bytes(device.settings.compute_capability) - of.kernel->static_shared_bytes;
    if (value < 0 || static_cast<std::uint32_t>(value) > most) {
      throw DriverError(CUDA_ERROR_INVALID_VALUE, std::to_string(value) +
                                                      " bytes of dynamic shared memory exceed the " +
                                                      std::to_string(most) + " that the device has");
    }
    of.max_dynamic_shared_bytes = static_cast<std::uint32_t>(value);
  });
}

EMULATOR_API CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                                     unsigned block_x, unsigned block_y, unsigned block_z,
                                     unsigned shared_bytes, CUstream stream, void** arguments, void** extra) {
  return call_in_context("cuLaunchKernel", [&](Device& device) {
    if (extra != nullptr)
      throw DriverError(CUDA_ERROR_NOT_SUPPORTED, "arguments in `extra` are not emulated");
    const CUfunc_st& of = required(function);
    emulator::Launch launch;
    launch.kernel = of.kernel;
    launch.parameters = gather(*of.kernel, arguments);
    launch.blocks = {grid_x, grid_y, grid_z};
    launch.threads = {block_x, block_y, block_z};
    launch.dynamic_shared_bytes = shared_bytes;
    device.launch(function, std::move(launch), device.stream(stream));
  });
}
