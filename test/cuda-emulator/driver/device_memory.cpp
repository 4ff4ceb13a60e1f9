#include "driver/device_memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "semantics/memory.h"

namespace emulator {
namespace {

/// cuMemAlloc promises 256; as much lies unused between allocations, so that a near miss hits nothing.
constexpr std::uint64_t kAlignment = 256;
constexpr int kUninitialized = 0xff;
/// The same in every process, so that a tape's addresses hold in another: below where Linux puts programs,
/// and in what ThreadSanitizer and AddressSanitizer leave to them.
void* const kPreferredBase = reinterpret_cast<void*>(std::uint64_t{0x5500} << 32);
const Allocation kNowhere;

std::uint64_t reserved_bytes(std::uint64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment + kAlignment;
}

}  // namespace

DeviceMemory::DeviceMemory() {
  // The first half is never readable; the second backs it.
  void* mapped =
      mmap(kPreferredBase, 2 * kAddressSpace, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  base_ = reinterpret_cast<std::uint64_t>(mapped);
  if (mprotect(static_cast<std::byte*>(mapped) + kAddressSpace, kAddressSpace, PROT_READ | PROT_WRITE) != 0) {
    throw std::bad_alloc();
  }
  free_[base_] = kAddressSpace;
}

DeviceMemory::~DeviceMemory() { munmap(reinterpret_cast<void*>(base_), 2 * kAddressSpace); }

Allocation& DeviceMemory::take_record() {
  if (spare_.empty()) return records_.emplace_back();
  Allocation& record = *spare_.back();
  spare_.pop_back();
  return record;
}

std::uint64_t DeviceMemory::allocate(std::uint64_t bytes) {
  const std::uint64_t wanted = reserved_bytes(bytes);
  auto range = free_.begin();
  while (range != free_.end() && range->second < wanted) ++range;
  if (range == free_.end()) return 0;
  const auto [address, available] = *range;
  free_.erase(range);
  if (available > wanted) free_[address + wanted] = available - wanted;
  Allocation& record = take_record();
  record = {address, bytes, kAddressSpace};
  live_[address] = &record;
  used_ += bytes;
  std::memset(reinterpret_cast<void*>(address + kAddressSpace), kUninitialized, bytes);
  return address;
}

void DeviceMemory::forget(std::map<std::uint64_t, Allocation*>::iterator entry) {
  Allocation& record = *entry->second;
  record.bytes = 0;
  spare_.push_back(&record);
  live_.erase(entry);
}

bool DeviceMemory::release(std::uint64_t address) {
  const auto entry = live_.find(address);
  if (entry == live_.end() || entry->second->to_host == 0) return false;
  const std::uint64_t bytes = entry->second->bytes;
  used_ -= bytes;
  madvise(reinterpret_cast<void*>((address + kAddressSpace + 4095) & ~std::uint64_t{4095}),
          bytes > 8192 ? bytes - 8192 : 0, MADV_DONTNEED);
  forget(entry);
  auto range = free_.emplace(address, reserved_bytes(bytes)).first;
  const auto next = std::next(range);
  if (next != free_.end() && range->first + range->second == next->first) {
    range->second += next->second;
    free_.erase(next);
  }
  if (range != free_.begin()) {
    const auto before = std::prev(range);
    if (before->first + before->second == range->first) {
      before->second += range->second;
      free_.erase(range);
    }
  }
  return true;
}

void* DeviceMemory::allocate_host(std::size_t bytes) {
  void* memory = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  if (memory == nullptr) return nullptr;
  std::memset(memory, kUninitialized, bytes);
  Allocation& record = take_record();
  record = {reinterpret_cast<std::uint64_t>(memory), bytes, 0};
  live_[record.base] = &record;
  return memory;
}

bool DeviceMemory::release_host(void* memory) {
  const auto entry = live_.find(reinterpret_cast<std::uint64_t>(memory));
  if (entry == live_.end() || entry->second->to_host != 0) return false;
  forget(entry);
  std::free(memory);
  return true;
}

void DeviceMemory::release_all() {
  while (!live_.empty()) {
    const std::uint64_t address = live_.begin()->first;
    if (!release(address)) release_host(reinterpret_cast<void*>(address));
  }
}

const Allocation& DeviceMemory::find(std::uint64_t address) const {
  auto entry = live_.upper_bound(address);
  if (entry == live_.begin()) return kNowhere;
  const Allocation& before = *std::prev(entry)->second;
  return holds(before, address, 1) ? before : kNowhere;
}

std::byte* DeviceMemory::host(std::uint64_t address, std::size_t bytes) const {
  const Allocation& allocation = find(address);
  if (allocation.bytes == 0 || address - allocation.base + bytes > allocation.bytes) return nullptr;
  return reinterpret_cast<std::byte*>(address + allocation.to_host);
}

}  // namespace emulator
