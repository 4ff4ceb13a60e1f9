#include "backend/cuda_driver.h"

#include <dlfcn.h>

#include <cstdlib>

#include "core/error.h"

namespace attune::cuda {
namespace {

/// The kernels' fat binary is of CUDA 13: drivers before it cannot load its machine code (CUDA compatibility,
/// "minor version compatibility").
constexpr int kLeastVersion = 13000;

[[noreturn]] void refuse(const std::string& message) { throw Error("unsupported-device", "device", message); }

[[nodiscard]] std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

void* open_library() {
  const char* named = std::getenv(kDriverVariable);
  const bool chosen = named != nullptr && *named != '\0';
  void* library = dlopen(chosen ? named : "libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr) return library;
  const char* reason = dlerror();
  refuse((chosen
              ? std::string(kDriverVariable) + " names " + named + ", which could not be loaded"
              : std::string("Device 'cuda' needs NVIDIA's driver, and its library libcuda.so.1 could not be "
                            "loaded")) +
         " (" + (reason == nullptr ? "no reason given" : reason) +
         (chosen ? ")." : "). Install the driver, or use device 'cpu'."));
}

template <class Signature>
void find(void* library, const char* name, Signature& function) {
  function = reinterpret_cast<Signature>(dlsym(library, name));
  if (function == nullptr) {
    refuse(std::string("The CUDA driver has no ") + name + ": it is too old. attune needs CUDA " +
           version_text(kLeastVersion) + " or newer; update the driver, or use device 'cpu'.");
  }
}

[[nodiscard]] Driver load() {
  void* const library = open_library();
  Driver d{};
#define ATTUNE_FIND(name) find(library, #name, d.name)
  ATTUNE_FIND(cuInit);
  ATTUNE_FIND(cuDriverGetVersion);
  ATTUNE_FIND(cuGetErrorName);
  ATTUNE_FIND(cuGetErrorString);
  ATTUNE_FIND(cuDeviceGetCount);
  ATTUNE_FIND(cuDeviceGet);
  ATTUNE_FIND(cuDeviceGetName);
  ATTUNE_FIND(cuDeviceGetAttribute);
  ATTUNE_FIND(cuDevicePrimaryCtxRetain);
  ATTUNE_FIND(cuDevicePrimaryCtxRelease_v2);
  ATTUNE_FIND(cuCtxSetCurrent);
  ATTUNE_FIND(cuMemGetInfo_v2);
  ATTUNE_FIND(cuMemAlloc_v2);
  ATTUNE_FIND(cuMemFree_v2);
  ATTUNE_FIND(cuMemHostAlloc);
  ATTUNE_FIND(cuMemFreeHost);
  ATTUNE_FIND(cuMemcpyHtoDAsync_v2);
  ATTUNE_FIND(cuMemcpyDtoHAsync_v2);
  ATTUNE_FIND(cuMemcpyDtoDAsync_v2);
  ATTUNE_FIND(cuMemsetD8Async);
  ATTUNE_FIND(cuStreamCreate);
  ATTUNE_FIND(cuStreamDestroy_v2);
  ATTUNE_FIND(cuStreamSynchronize);
  ATTUNE_FIND(cuStreamBeginCapture_v2);
  ATTUNE_FIND(cuStreamEndCapture);
  ATTUNE_FIND(cuGraphInstantiateWithFlags);
  ATTUNE_FIND(cuGraphLaunch);
  ATTUNE_FIND(cuGraphExecDestroy);
  ATTUNE_FIND(cuGraphDestroy);
  ATTUNE_FIND(cuModuleLoadData);
  ATTUNE_FIND(cuModuleUnload);
  ATTUNE_FIND(cuModuleGetFunction);
  ATTUNE_FIND(cuFuncSetAttribute);
  ATTUNE_FIND(cuLaunchKernel);
#undef ATTUNE_FIND

  const Result initialized = d.cuInit(0);
  if (initialized == kNoDevice) refuse("There is no NVIDIA GPU in this machine: use device 'cpu'.");
  d.check(initialized, "start");
  int version = 0;
  if (d.cuDriverGetVersion(&version) != kSuccess || version < kLeastVersion) {
    refuse("The CUDA driver is of version " + version_text(version) + " and attune needs " +
           version_text(kLeastVersion) + " or newer. Update the driver, or use device 'cpu'.");
  }
  int count = 0;
  d.check(d.cuDeviceGetCount(&count), "count the GPUs");
  if (count == 0) refuse("There is no NVIDIA GPU in this machine: use device 'cpu'.");
  return d;
}

}  // namespace

void Driver::check(Result result, const char* what) const {
  if (result == kSuccess) return;
  const char* name = nullptr;
  const char* text = nullptr;
  if (cuGetErrorName(result, &name) != kSuccess || name == nullptr) name = "unknown error";
  if (cuGetErrorString(result, &text) != kSuccess || text == nullptr) text = "no description";
  throw Error("device-failed", "device",
              std::string("CUDA could not ") + what + ": " + text + " (" + name + ", " +
                  std::to_string(result) +
                  "). What was trained since the last checkpoint is lost; load the model again.");
}

const Driver& driver() {
  static const Driver loaded = load();
  return loaded;
}

}  // namespace attune::cuda
