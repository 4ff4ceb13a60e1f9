#include "backend/cpu_device.h"

#include <unistd.h>

#include <cstring>

namespace attune {

std::size_t CpuDevice::free_bytes() const {
#if defined(_SC_AVPHYS_PAGES)
  const long pages = sysconf(_SC_AVPHYS_PAGES);
  const long size = sysconf(_SC_PAGESIZE);
  if (pages > 0 && size > 0) return static_cast<std::size_t>(pages) * static_cast<std::size_t>(size);
#endif
  return 0;
}

DeviceMemory CpuDevice::allocate(std::size_t bytes, const char* what) {
  AlignedMemory memory(bytes, what);
  return {shared_from_this(), memory.let_go(), bytes};
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
