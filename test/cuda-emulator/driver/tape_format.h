#pragma once

// A tape: kTapeMagic, then records, each followed by its payload, in the byte order of the machine.

#include <cstdint>

namespace emulator {

inline constexpr char kTapeMagic[8] = {'A', 'T', 'T', 'U', 'T', 'A', 'P', '1'};

enum class TapeAction : std::uint32_t {
  load,      // a module; payload: its PTX
  unload,    // the module `number`, counted from 0 in the order they were loaded
  allocate,  // `bytes` bytes, which came to lie at `address`
  free,      // what lies at `address`
  write,     // payload: what the host copied to `address`
  copy,      // `bytes` bytes from `operand` to `address`
  fill,      // `bytes` bytes at `address`, with the value `operand` of `number` bytes
  launch,    // of a kernel of module `number`; payload: TapeLaunch, the name, each parameter behind its size
  read,      // payload: what the host found at `address`
  release,   // the context, and with it all that was in it
};

struct TapeRecord {
  TapeAction action = TapeAction::load;
  std::uint32_t number = 0;
  std::uint64_t address = 0;
  std::uint64_t operand = 0;
  std::uint64_t bytes = 0;
  std::uint64_t payload_bytes = 0;
};

struct TapeLaunch {
  std::uint32_t blocks[3];
  std::uint32_t threads[3];
  std::uint32_t dynamic_shared_bytes;
  std::uint32_t name_bytes;
};

}  // namespace emulator
