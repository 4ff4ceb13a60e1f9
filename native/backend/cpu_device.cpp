#include "backend/cpu_device.h"

#include <cstring>

namespace attune {

DeviceMemory CpuDevice::allocate(std::size_t bytes, const char* what) {
  AlignedMemory memory(bytes, what);
  return {shared_from_this(), memory.let_go(), bytes};
}

DeviceMemory CpuDevice::enlarge(DeviceMemory memory, std::size_t bytes, const char* what) {
  const std::size_t before = memory.bytes();
  AlignedMemory larger = AlignedMemory::take_over(memory.let_go(), before);
  larger.enlarge(bytes, what);
  return {shared_from_this(), larger.let_go(), bytes};
}

void CpuDevice::release(std::byte* data, std::size_t bytes) noexcept {
  const AlignedMemory freed = AlignedMemory::take_over(data, bytes);
}

void CpuDevice::write(std::byte* to, std::span<const std::byte> from) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

void CpuDevice::read(std::span<std::byte> to, const std::byte* from) {
  if (!to.empty()) std::memcpy(to.data(), from, to.size());
}

void CpuDevice::copy(std::byte* to, const std::byte* from, std::size_t bytes) {
  if (bytes != 0) std::memcpy(to, from, bytes);
}

void CpuDevice::zero(std::byte* to, std::size_t bytes) {
  if (bytes != 0) std::memset(to, 0, bytes);
}

}  // namespace attune
