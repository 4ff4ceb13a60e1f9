#pragma once

// cp.async. The destination holds NaN from the issue until the wait, so that both reading too early and
// copying into a tile that is still being read show.

#include "memory.h"

namespace emulator {

inline void copy_async(Thread& t, std::byte* to, const std::byte* from, int bytes, int source_bytes) {
  for (int i = 0; i < bytes; i += 4) store<u32>(to + i, 0xffffffffu);
  if (t.copy_count == t.copy_capacity) t.block->runtime->grow_copies(t);
  t.copies[t.copy_count++] = {to, from, bytes, source_bytes, t.copy_group};
}

inline void commit_copies(Thread& t) { ++t.copy_group; }

/// Completes all but the last `pending` groups.
inline void wait_copies(Thread& t, int pending) {
  int kept = 0;
  for (int i = 0; i < t.copy_count; ++i) {
    const AsyncCopy copy = t.copies[i];
    if (copy.group >= t.copy_group - pending) {
      t.copies[kept++] = copy;
      continue;
    }
    int done = 0;
    for (; done + 4 <= copy.source_bytes; done += 4) store(copy.to + done, load<u32>(copy.from + done));
    for (; done < copy.source_bytes; ++done) copy.to[done] = copy.from[done];
    for (; done < copy.bytes; ++done) copy.to[done] = std::byte{0};
  }
  t.copy_count = kept;
}

/// cp.async.wait_all also takes what was not committed.
inline void wait_all_copies(Thread& t) {
  commit_copies(t);
  wait_copies(t, 0);
}

/// The source's pointer; of a copy that reads nothing the address may be anything.
EMULATOR_UNCHECKED inline const std::byte* copy_source(Thread& t, Site& site, u64 address, int bytes,
                                                       int source_bytes) {
  if ((address & (bytes - 1)) != 0) misaligned(t, site, address, bytes);
  if (source_bytes < 0 || source_bytes > bytes) {
    EMULATOR_FAULT(t, site, illegal_instruction, "the source size %d is not within 0 and %d", source_bytes,
                   bytes);
  }
  if (source_bytes == 0) return nullptr;
  if (!holds(*site.allocation, address, source_bytes)) {
    const Allocation* found = t.block->runtime->find_allocation(address);
    if (!holds(*found, address, source_bytes)) outside(t, site, address, source_bytes);
    site.allocation = found;
  }
  return reinterpret_cast<const std::byte*>(address + site.allocation->to_host);
}

}  // namespace emulator
