#pragma once

// Addresses to pointers, with every access checked: alignment, bounds, and that the memory is live.

#include "register.h"

namespace emulator {

#define EMULATOR_FAULT(thread, site, kind, ...) \
  (thread).block->runtime->fault((thread), (site), FaultKind::kind, __VA_ARGS__)

template <class T>
inline T load(const std::byte* from) {
  return *reinterpret_cast<const T*>(from);
}
template <class T>
inline void store(std::byte* to, T value) {
  *reinterpret_cast<T*>(to) = value;
}

[[noreturn]] __attribute__((noinline, cold)) EMULATOR_UNCHECKED inline void misaligned(Thread& t,
                                                                                       const Site& site,
                                                                                       u64 address,
                                                                                       u32 bytes) {
  EMULATOR_FAULT(t, site, misaligned_address, "address 0x%llx is not a multiple of %u",
                 static_cast<unsigned long long>(address), bytes);
}

[[noreturn]] __attribute__((noinline, cold)) EMULATOR_UNCHECKED inline void outside(Thread& t,
                                                                                    const Site& site,
                                                                                    u64 address, u32 bytes) {
  // The allocation before the address is most often the one that was meant.
  for (u64 back = 1; back <= 4096; back += back < 64 ? 1 : 64) {
    const Allocation* near = t.block->runtime->find_allocation(address - back);
    if (near->bytes == 0) continue;
    EMULATOR_FAULT(t, site, illegal_address,
                   "%u bytes at 0x%llx are out of bounds: they start %llu bytes into an allocation of %llu",
                   bytes, static_cast<unsigned long long>(address),
                   static_cast<unsigned long long>(address - near->base),
                   static_cast<unsigned long long>(near->bytes));
  }
  EMULATOR_FAULT(t, site, illegal_address, "%u bytes at 0x%llx are in no live allocation", bytes,
                 static_cast<unsigned long long>(address));
}

inline bool holds(const Allocation& allocation, u64 address, u32 bytes) {
  const u64 offset = address - allocation.base;
  return offset < allocation.bytes && allocation.bytes - offset >= bytes;
}

EMULATOR_UNCHECKED inline std::byte* global(Thread& t, Site& site, u64 address, u32 bytes) {
  if ((address & (bytes - 1)) != 0) misaligned(t, site, address, bytes);
  if (!holds(*site.allocation, address, bytes)) {
    const Allocation* found = t.block->runtime->find_allocation(address);
    if (!holds(*found, address, bytes)) outside(t, site, address, bytes);
    site.allocation = found;
  }
  return reinterpret_cast<std::byte*>(address + site.allocation->to_host);
}

EMULATOR_UNCHECKED inline std::byte* shared(Thread& t, const Site& site, u32 offset, u32 bytes) {
  if ((offset & (bytes - 1)) != 0) misaligned(t, site, offset, bytes);
  const u32 limit = t.block->shared_bytes;
  if (offset >= limit || limit - offset < bytes) {
    EMULATOR_FAULT(t, site, illegal_address,
                   "%u bytes at shared offset %u are out of bounds: the block has %u bytes", bytes, offset,
                   limit);
  }
  return t.block->shared + offset;
}

/// Local memory and parameters lie on the thread's stack; their addresses are the host's.
EMULATOR_UNCHECKED inline std::byte* local(Thread& t, const Site& site, u64 address, u32 bytes) {
  if ((address & (bytes - 1)) != 0) misaligned(t, site, address, bytes);
  return reinterpret_cast<std::byte*>(address);
}

EMULATOR_UNCHECKED inline std::byte* generic(Thread& t, Site& site, u64 address, u32 bytes) {
  if (address - kSharedWindow <= 0xffffffffu)
    return shared(t, site, static_cast<u32>(address - kSharedWindow), bytes);
  if (!holds(*site.allocation, address, bytes) && t.block->runtime->is_local(t, address)) {
    return local(t, site, address, bytes);
  }
  return global(t, site, address, bytes);
}

inline u64 address_of(const std::byte* local_variable) { return reinterpret_cast<u64>(local_variable); }

}  // namespace emulator
