// Driver functions: initialization, the device, its context, errors, and the emulator's own controls.

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "driver/call.h"

using emulator::call;
using emulator::call_in_context;
using emulator::Device;
using emulator::DriverError;
using emulator::required;

namespace {

constexpr const char* kName = "attune CUDA emulator (emulated on the CPU, not a GPU)";

void require_device(const Device& device, CUdevice ordinal) {
  device.require_initialized();
  if (ordinal != 0) throw DriverError(CUDA_ERROR_INVALID_DEVICE, "there is only device 0");
}

int attribute(const Device& device, CUdevice_attribute which) {
  switch (which) {
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y:
      return 1024;
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z:
      return 64;
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X:
      return 0x7fffffff;
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z:
      return 65535;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
      return 48 << 10;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
      return static_cast<int>(emulator::max_shared_bytes(device.settings.compute_capability));
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
      return static_cast<int>(emulator::max_shared_bytes(device.settings.compute_capability)) + 1024;
    case CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY:
      return 64 << 10;
    case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
      return 32;
    case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK:
    case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR:
      return 65536;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
      return device.settings.multiprocessors;
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR:
      return 2048;
    case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE:
      return 4 << 20;
    case CU_DEVICE_ATTRIBUTE_INTEGRATED:
      return 0;
    case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY:
    case CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS:
    case CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT:
    case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING:
      return 1;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
      return device.settings.compute_capability / 10;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
      return device.settings.compute_capability % 10;
  }
  throw DriverError(CUDA_ERROR_INVALID_VALUE,
                    "device attribute " + std::to_string(which) + " is not emulated");
}

struct ErrorName {
  CUresult code;
  const char* name;
  const char* text;
};
constexpr ErrorName kErrors[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {CUDA_ERROR_DEINITIALIZED, "CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
    {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {CUDA_ERROR_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "no kernel image is available for execution on the device"},
    {CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain."},
    {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
     "too many resources requested for launch"},
    {CUDA_ERROR_LAUNCH_TIMEOUT, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
    {CUDA_ERROR_ILLEGAL_INSTRUCTION, "CUDA_ERROR_ILLEGAL_INSTRUCTION",
     "an illegal instruction was encountered"},
    {CUDA_ERROR_MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {CUDA_ERROR_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
    {CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED",
     "capture was not ended in the same stream as it began"},
    {CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED",
     "capturing stream has unjoined work"},
    {CUDA_ERROR_CAPTURED_EVENT, "CUDA_ERROR_CAPTURED_EVENT",
     "operation not permitted on an event last recorded in a capturing stream"},
    {CUDA_ERROR_UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

CUresult describe(CUresult code, const char* ErrorName::* field, const char** text) {
  if (text == nullptr) return CUDA_ERROR_INVALID_VALUE;
  const auto* const found = std::find_if(std::begin(kErrors), std::end(kErrors),
                                         [&](const ErrorName& e) { return e.code == code; });
  *text = found == std::end(kErrors) ? nullptr : found->*field;
  return found == std::end(kErrors) ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

/// The only context there is.
CUcontext context_handle() {
  static char place;
  return reinterpret_cast<CUcontext>(&place);
}

}  // namespace

EMULATOR_API CUresult cuInit(unsigned) {
  return call("cuInit", [](Device& device) { device.initialize(); });
}
EMULATOR_API CUresult cuDriverGetVersion(int* version) {
  return call("cuDriverGetVersion",
              [&](Device& device) { required(version) = device.settings.driver_version; });
}
EMULATOR_API CUresult cuDeviceGetCount(int* count) {
  return call("cuDeviceGetCount", [&](Device& device) {
    device.require_initialized();
    required(count) = device.settings.devices;
  });
}
EMULATOR_API CUresult cuDeviceGet(CUdevice* device_out, int ordinal) {
  return call("cuDeviceGet", [&](Device& device) {
    require_device(device, ordinal);
    required(device_out) = ordinal;
  });
}
EMULATOR_API CUresult cuDeviceGetName(char* name, int length, CUdevice ordinal) {
  return call("cuDeviceGetName", [&](Device& device) {
    require_device(device, ordinal);
    if (length < 1) throw DriverError(CUDA_ERROR_INVALID_VALUE, "no room for the name");
    std::strncpy(&required(name), kName, static_cast<std::size_t>(length));
    name[length - 1] = '\0';
  });
}
EMULATOR_API CUresult cuDeviceTotalMem_v2(std::size_t* bytes, CUdevice ordinal) {
  return call("cuDeviceTotalMem", [&](Device& device) {
    require_device(device, ordinal);
    required(bytes) = device.settings.memory;
  });
}
EMULATOR_API CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute which, CUdevice ordinal) {
  return call("cuDeviceGetAttribute", [&](Device& device) {
    require_device(device, ordinal);
    required(value) = attribute(device, which);
  });
}

EMULATOR_API CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice ordinal) {
  return call("cuDevicePrimaryCtxRetain", [&](Device& device) {
    require_device(device, ordinal);
    device.retain();
    required(context) = context_handle();
  });
}
EMULATOR_API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice ordinal) {
  return call("cuDevicePrimaryCtxRelease", [&](Device& device) {
    require_device(device, ordinal);
    device.release();
  });
}
EMULATOR_API CUresult cuDevicePrimaryCtxRelease(CUdevice ordinal) {
  return cuDevicePrimaryCtxRelease_v2(ordinal);
}
EMULATOR_API CUresult cuCtxSetCurrent(CUcontext context) {
  return call("cuCtxSetCurrent", [&](Device& device) {
    device.require_initialized();
    if (context != nullptr && (context != context_handle() || !device.has_context())) {
      throw DriverError(CUDA_ERROR_INVALID_CONTEXT, "the context was released or never was");
    }
    emulator::current_context = context == nullptr ? 0 : device.context_generation();
  });
}
EMULATOR_API CUresult cuCtxGetCurrent(CUcontext* context) {
  return call("cuCtxGetCurrent", [&](Device& device) {
    device.require_initialized();
    const bool current = device.has_context() && emulator::current_context == device.context_generation();
    required(context) = current ? context_handle() : nullptr;
  });
}
EMULATOR_API CUresult cuCtxGetDevice(CUdevice* ordinal) {
  return call_in_context("cuCtxGetDevice", [&](Device&) { required(ordinal) = 0; });
}
EMULATOR_API CUresult cuCtxSynchronize() {
  return call_in_context("cuCtxSynchronize", [](Device& device) {
    device.require_no_capture("cuCtxSynchronize");
    device.drain_all();
  });
}

EMULATOR_API CUresult cuGetErrorName(CUresult code, const char** text) {
  return describe(code, &ErrorName::name, text);
}
EMULATOR_API CUresult cuGetErrorString(CUresult code, const char** text) {
  return describe(code, &ErrorName::text, text);
}

EMULATOR_API CUresult cuGetProcAddress_v2(const char* symbol, void** function, int, std::uint64_t,
                                          int* status) {
  return call("cuGetProcAddress", [&](Device&) {
    Dl_info self{};
    dladdr(reinterpret_cast<void*>(&cuInit), &self);
    void* library = dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD);
    void* found = nullptr;
    // The plain name stands for the newest version.
    for (const char* suffix : {"_v2", ""}) {
      if (found == nullptr) found = dlsym(library, (std::string(&required(symbol)) + suffix).c_str());
    }
    dlclose(library);
    required(function) = found;
    if (status != nullptr) *status = found == nullptr ? 1 : 0;
    if (found == nullptr) throw DriverError(CUDA_ERROR_NOT_FOUND, std::string(symbol) + " is not emulated");
  });
}

/// Settings as in ATTUNE_CUDA_EMULATOR, applied to those that hold. Counting starts again with cuInit only.
EMULATOR_API CUresult attuneCudaEmulatorConfigure(const char* settings) {
  return call("attuneCudaEmulatorConfigure",
              [&](Device& device) { emulator::apply_settings(device.settings, &required(settings)); });
}
/// Why the last call that failed did so.
EMULATOR_API const char* attuneCudaEmulatorMessage() { return Device::instance().message.c_str(); }
/// Launches, threads and switches between lanes so far.
EMULATOR_API void attuneCudaEmulatorCounters(std::uint64_t counters[3]) {
  const emulator::Counters& all = Device::instance().counters();
  counters[0] = all.launches;
  counters[1] = all.threads;
  counters[2] = all.switches;
}
