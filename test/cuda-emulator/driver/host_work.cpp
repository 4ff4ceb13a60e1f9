#include "driver/host_work.h"

#include <utility>

#include "driver/call.h"

namespace emulator {

std::byte* device_bytes(CUdeviceptr address, std::size_t bytes) {
  Device& device = Device::instance();
  const std::lock_guard lock(device.mutex);
  return device.memory.is_device_address(address) ? device.memory.host(address, bytes) : nullptr;
}

CUresult queue_host_work(const char* name, CUstream stream, std::function<std::string()> kernel) {
  return call_in_context(
      name, [&](Device& device) { device.launch_host_work(name, std::move(kernel), device.stream(stream)); });
}

}  // namespace emulator
