#pragma once

#include <deque>
#include <map>
#include <vector>

#include "semantics/kernel_interface.h"

namespace emulator {

/// Device memory: addresses that the host cannot read, backed by memory elsewhere. New and freed memory is
/// all ones, which is NaN in every floating-point format.
class DeviceMemory {
 public:
  DeviceMemory();
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  /// 0 when the address space is used up.
  std::uint64_t allocate(std::uint64_t bytes);
  /// False when the address is not the start of a live allocation.
  bool release(std::uint64_t address);
  /// Page-locked host memory, which kernels may address too.
  void* allocate_host(std::size_t bytes);
  bool release_host(void* memory);
  void release_all();

  [[nodiscard]] std::uint64_t used() const { return used_; }
  /// The allocation that holds the address, or one of no bytes.
  [[nodiscard]] const Allocation& find(std::uint64_t address) const;
  /// Where the host finds `bytes` bytes at `address`; null when they are not all in one live allocation.
  [[nodiscard]] std::byte* host(std::uint64_t address, std::size_t bytes) const;
  /// Whether the host must not touch this address: for the message after it did.
  [[nodiscard]] bool is_device_address(std::uint64_t address) const {
    return address - base_ < kAddressSpace;
  }

 private:
  static constexpr std::uint64_t kAddressSpace = std::uint64_t{64} << 30;

  Allocation& take_record();
  void forget(std::map<std::uint64_t, Allocation*>::iterator entry);

  std::uint64_t base_ = 0;
  std::map<std::uint64_t, Allocation*> live_;
  std::map<std::uint64_t, std::uint64_t> free_;  // address to bytes
  /// Kernels keep pointers to these: a record outlives its allocation and is used again.
  std::deque<Allocation> records_;
  std::vector<Allocation*> spare_;
  std::uint64_t used_ = 0;
};

}  // namespace emulator
