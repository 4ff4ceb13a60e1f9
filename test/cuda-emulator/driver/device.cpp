#include "driver/device.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "driver/trap.h"

namespace emulator {

Device::Device() : runner_(find_allocation) { install_trap(memory); }

Device& Device::instance() {
  // It outlives the threads that still use it at exit: the storage is never destroyed.
  alignas(Device) static std::byte storage[sizeof(Device)];
  static Device& device = *::new (storage) Device;
  return device;
}

const Allocation* Device::find_allocation(std::uint64_t address) { return &instance().memory.find(address); }

void Device::initialize() {
  Settings fresh;
  const char* text = std::getenv("ATTUNE_CUDA_EMULATOR");
  if (text != nullptr) apply_settings(fresh, text);
  settings = std::move(fresh);
  if (!settings.tape.empty()) open_tape();
  allocations_ = 0;
  launches_ = 0;
  if (settings.devices == 0) throw DriverError(CUDA_ERROR_NO_DEVICE);
  initialized_ = true;
}

void Device::open_tape() {
  if (tape.is_open()) return;
  if (has_context()) throw DriverError(CUDA_ERROR_INVALID_VALUE, "a tape begins before the first context");
  tape.open(settings.tape);
}

void Device::require_initialized() const {
  if (!initialized_) throw DriverError(CUDA_ERROR_NOT_INITIALIZED, "cuInit was not called, or failed");
}

void Device::require_healthy() const {
  if (sticky_ != CUDA_SUCCESS) throw DriverError(sticky_);
}

void Device::retain() {
  if (retained_++ == 0) ++context_generation_;
}

void Device::release() {
  if (retained_ == 0) throw DriverError(CUDA_ERROR_INVALID_CONTEXT, "the primary context was not retained");
  if (--retained_ > 0) return;
  // What is left dies with the context, and so does its error.
  if (sticky_ == CUDA_SUCCESS) drain_all();
  for (const auto& [handle, module] : modules) unload_module(*module, memory);
  modules.clear();
  streams_.clear();
  events_.clear();
  graphs.clear();
  graph_executables.clear();
  default_stream_ = {};
  memory.release_all();
  tape.released();
  sticky_ = CUDA_SUCCESS;
}

CUdeviceptr Device::allocate(std::size_t bytes) {
  require_no_capture("cuMemAlloc");
  if (bytes == 0) throw DriverError(CUDA_ERROR_INVALID_VALUE, "cuMemAlloc of 0 bytes");
  if (++allocations_ == settings.fail_allocation) throw DriverError(CUDA_ERROR_OUT_OF_MEMORY);
  if (bytes > settings.memory || memory.used() > settings.memory - bytes)
    throw DriverError(CUDA_ERROR_OUT_OF_MEMORY);
  const CUdeviceptr address = memory.allocate(bytes);
  if (address == 0) throw DriverError(CUDA_ERROR_OUT_OF_MEMORY);
  tape.allocated(address, bytes);
  return address;
}

void Device::free(CUdeviceptr address) {
  require_no_capture("cuMemFree");
  drain_all();
  if (address == 0) return;
  if (!memory.release(address)) {
    throw DriverError(CUDA_ERROR_INVALID_VALUE,
                      "cuMemFree of an address that is not the start of an allocation");
  }
  tape.freed(address);
}

std::byte* Device::bytes_at(CUdeviceptr address, std::size_t bytes, const char* what) {
  std::byte* at = memory.host(address, bytes);
  if (at != nullptr || bytes == 0) return at;
  const Allocation& near = memory.find(address);
  char text[160];
  std::snprintf(text, sizeof text, "%s: %zu bytes at 0x%llx %s", what, bytes,
                static_cast<unsigned long long>(address),
                near.bytes == 0 ? "are in no live allocation" : "reach past the end of the allocation");
  throw DriverError(CUDA_ERROR_INVALID_VALUE, text);
}

void Device::check_launch(const CUfunc_st& function, const Launch& launch) const {
  const auto refuse = [&](CUresult code, const std::string& why) {
    throw DriverError(code, "launch of " + std::string(function.kernel->name) + ": " + why);
  };
  const auto& [x, y, z] = launch.threads;
  const std::uint64_t threads = std::uint64_t{x} * y * z;
  if (threads == 0 || x > 1024 || y > 1024 || z > 64 || threads > 1024) {
    refuse(CUDA_ERROR_INVALID_VALUE, "a block of " + std::to_string(x) + " x " + std::to_string(y) + " x " +
                                         std::to_string(z) + " threads");
  }
  if (threads > function.kernel->max_threads) {
    refuse(CUDA_ERROR_INVALID_VALUE, std::to_string(threads) +
                                         " threads a block exceed its __launch_bounds__ of " +
                                         std::to_string(function.kernel->max_threads));
  }
  const auto& [gx, gy, gz] = launch.blocks;
  if (gx == 0 || gy == 0 || gz == 0 || gx > 0x7fffffffu || gy > 65535 || gz > 65535) {
    refuse(CUDA_ERROR_INVALID_VALUE, "a grid of " + std::to_string(gx) + " x " + std::to_string(gy) + " x " +
                                         std::to_string(gz) + " blocks");
  }
  if (launch.dynamic_shared_bytes > function.max_dynamic_shared_bytes) {
    refuse(CUDA_ERROR_INVALID_VALUE,
           std::to_string(launch.dynamic_shared_bytes) + " bytes of dynamic shared memory exceed " +
               std::to_string(function.max_dynamic_shared_bytes) +
               " (raise CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES by cuFuncSetAttribute)");
  }
}

void Device::launch(CUfunction function, Launch launch, CUstream_st& stream) {
  check_launch(*function, launch);
  enqueue(stream, {[this, launch = std::move(launch)] { run_kernel(launch); }});
}

void Device::launch_host_work(const char* name, std::function<std::string()> kernel, CUstream_st& stream) {
  if (tape.is_open()) throw DriverError(CUDA_ERROR_NOT_SUPPORTED, "a tape has no work of the host");
  enqueue(stream, {[this, name, kernel = std::move(kernel)] {
            count_launch();
            const std::string fault = kernel();
            if (fault.empty()) return;
            sticky_ = CUDA_ERROR_ILLEGAL_ADDRESS;
            throw DriverError(sticky_, std::string(name) + ": " + fault);
          }});
}

void Device::count_launch() {
  if (++launches_ != settings.fail_launch) return;
  sticky_ = settings.fail_launch_code;
  throw DriverError(sticky_);
}

void Device::run_kernel(const Launch& launch) {
  count_launch();
  tape.launching(launch);
  const std::optional<Fault> fault = runner_.run(launch, {settings.order, settings.seed});
  if (!fault.has_value()) return;
  switch (fault->kind) {
    case FaultKind::illegal_address:
      sticky_ = CUDA_ERROR_ILLEGAL_ADDRESS;
      break;
    case FaultKind::misaligned_address:
      sticky_ = CUDA_ERROR_MISALIGNED_ADDRESS;
      break;
    case FaultKind::illegal_instruction:
      sticky_ = CUDA_ERROR_ILLEGAL_INSTRUCTION;
      break;
    case FaultKind::deadlock:
      sticky_ = CUDA_ERROR_LAUNCH_TIMEOUT;
      break;
    case FaultKind::launch_failure:
      sticky_ = CUDA_ERROR_LAUNCH_FAILED;
      break;
  }
  throw DriverError(sticky_, fault->message);
}

std::uint32_t max_shared_bytes(int compute_capability) {
  switch (compute_capability) {
    case 75:
      return 64 << 10;
    case 80:
    case 87:
      return 163 << 10;
    case 90:
    case 100:
    case 103:
      return 227 << 10;
    default:
      return 99 << 10;  // 8.6, 8.9, 12.0
  }
}

}  // namespace emulator
