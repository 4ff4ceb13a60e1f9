#pragma once

// Collectives of a warp. Every lane leaves its operands in its mailbox, the last one to arrive computes for
// all.

#include "floating.h"
#include "memory.h"

namespace emulator {

template <class T>
EMULATOR_UNCHECKED inline void put(std::byte* to, const T& value) {
  std::memcpy(to, &value, sizeof value);
}
template <class T>
EMULATOR_UNCHECKED inline T take(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

enum class Shuffle { up, down, bfly, idx };

struct ShuffleOperands {
  u32 value, source, clamp;
  const Site* site;
};
struct ShuffleResult {
  u32 value;
  bool in_range;
};

/// The pseudocode of shfl.sync in the PTX manual: which lane is read, and whether it lies in the segment.
inline bool shuffle_source(Shuffle kind, u32 lane, u32 b, u32 c, u32& source) {
  const u32 segment = c >> 8 & 31;
  const u32 clamp = c & 31;
  const u32 last = (lane & segment) | (clamp & ~segment);
  const u32 first = lane & segment;
  b &= 31;
  bool in_range = false;
  int from = 0;
  switch (kind) {
    case Shuffle::up:
      from = static_cast<int>(lane) - static_cast<int>(b);
      in_range = from >= static_cast<int>(last);
      break;
    case Shuffle::down:
      from = static_cast<int>(lane + b);
      in_range = from <= static_cast<int>(last);
      break;
    case Shuffle::bfly:
      from = static_cast<int>(lane ^ b);
      in_range = from <= static_cast<int>(last);
      break;
    case Shuffle::idx:
      from = static_cast<int>(first | (b & ~segment));
      in_range = from <= static_cast<int>(last);
      break;
  }
  source = in_range ? static_cast<u32>(from) : lane;
  return in_range;
}

template <Shuffle Kind>
EMULATOR_UNCHECKED inline void shuffle_lanes(Mailbox* lanes, u32 mask, Thread& last) {
  for (u32 lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1) == 0) continue;
    const auto operands = take<ShuffleOperands>(lanes[lane].in);
    u32 source = 0;
    const bool in_range = shuffle_source(Kind, lane, operands.source, operands.clamp, source);
    if ((mask >> source & 1) == 0) {
      EMULATOR_FAULT(last, *operands.site, launch_failure,
                     "lane %u reads lane %u, which is not in the mask 0x%08x", lane, source, mask);
    }
    put(lanes[lane].out, ShuffleResult{take<ShuffleOperands>(lanes[source].in).value, in_range});
  }
}
template <Shuffle Kind>
EMULATOR_UNCHECKED inline ShuffleResult shfl(Thread& t, const Site& site, u32 value, u32 source, u32 clamp,
                                             u32 mask) {
  Mailbox& own = t.mailboxes[t.lane];
  put(own.in, ShuffleOperands{value, source, clamp, &site});
  t.block->runtime->meet(t, site, mask, false, false, shuffle_lanes<Kind>);
  return take<ShuffleResult>(own.out);
}

EMULATOR_UNCHECKED inline void ballot_lanes(Mailbox* lanes, u32 mask, Thread&) {
  u32 result = 0;
  for (u32 lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1) != 0 && lanes[lane].in[0] != std::byte{0}) result |= 1u << lane;
  }
  for (u32 lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1) != 0) put(lanes[lane].out, result);
  }
}
/// Lanes that do not exist (in the last warp of a block) are in no vote.
inline u32 existing(const Thread& t, u32 mask) {
  const u32 threads = t.block->threads[0] * t.block->threads[1] * t.block->threads[2];
  const u32 lanes = threads - t.warp * 32;
  return mask == 0xffffffffu && lanes < 32 ? (1u << lanes) - 1 : mask;
}
EMULATOR_UNCHECKED inline u32 ballot(Thread& t, const Site& site, bool predicate, u32 mask) {
  Mailbox& own = t.mailboxes[t.lane];
  put(own.in, predicate);
  t.block->runtime->meet(t, site, mask, false, false, ballot_lanes);
  return take<u32>(own.out);
}
inline bool vote_any(Thread& t, const Site& site, bool predicate, u32 mask) {
  return ballot(t, site, predicate, mask) != 0;
}
inline bool vote_all(Thread& t, const Site& site, bool predicate, u32 mask) {
  return ballot(t, site, predicate, mask) == existing(t, mask);
}
inline bool vote_uni(Thread& t, const Site& site, bool predicate, u32 mask) {
  const u32 votes = ballot(t, site, predicate, mask);
  return votes == 0 || votes == existing(t, mask);
}

template <class T>
EMULATOR_UNCHECKED inline void match_lanes(Mailbox* lanes, u32 mask, Thread&) {
  for (u32 lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1) == 0) continue;
    u32 equal = 0;
    for (u32 other = 0; other < 32; ++other) {
      if ((mask >> other & 1) != 0 && take<T>(lanes[other].in) == take<T>(lanes[lane].in))
        equal |= 1u << other;
    }
    put(lanes[lane].out, equal);
  }
}
template <class T>
EMULATOR_UNCHECKED inline u32 match_any(Thread& t, const Site& site, T value, u32 mask) {
  Mailbox& own = t.mailboxes[t.lane];
  put(own.in, value);
  t.block->runtime->meet(t, site, mask, false, false, match_lanes<T>);
  return take<u32>(own.out);
}
template <class T>
inline u32 match_all(Thread& t, const Site& site, T value, u32 mask) {
  return match_any(t, site, value, mask) == existing(t, mask) ? existing(t, mask) : 0;
}

enum class Reduction { add, min, max, and_, or_, xor_ };

template <Reduction Kind, class T>
inline T reduce(T a, T b) {
  if constexpr (Kind == Reduction::add) return add<T>(a, b);
  if constexpr (Kind == Reduction::min) return min<T>(a, b);
  if constexpr (Kind == Reduction::max) return max<T>(a, b);
  if constexpr (Kind == Reduction::and_) return a & b;
  if constexpr (Kind == Reduction::or_) return a | b;
  if constexpr (Kind == Reduction::xor_) return a ^ b;
}
template <Reduction Kind, class T>
EMULATOR_UNCHECKED inline void reduce_lanes(Mailbox* lanes, u32 mask, Thread&) {
  T result = take<T>(lanes[__builtin_ctz(mask)].in);
  for (u32 rest = mask & (mask - 1); rest != 0; rest &= rest - 1) {
    result = reduce<Kind, T>(result, take<T>(lanes[__builtin_ctz(rest)].in));
  }
  for (u32 rest = mask; rest != 0; rest &= rest - 1) put(lanes[__builtin_ctz(rest)].out, result);
}
template <Reduction Kind, class T>
EMULATOR_UNCHECKED inline T redux(Thread& t, const Site& site, T value, u32 mask) {
  Mailbox& own = t.mailboxes[t.lane];
  put(own.in, value);
  t.block->runtime->meet(t, site, mask, false, false, reduce_lanes<Kind, T>);
  return take<T>(own.out);
}

inline void sync_warp(Thread& t, const Site& site, u32 mask) {
  t.block->runtime->meet(t, site, mask, false, true, nullptr);
}
inline u32 barrier(Thread& t, const Site& site, u32 id, u32 threads, BarrierKind kind, bool predicate) {
  return t.block->runtime->barrier(t, site, id, threads, kind, predicate);
}

}  // namespace emulator
