#pragma once

// What the emulator and the kernels it translated share. Each kernel module is a library of its own; it
// reaches the emulator only through `Runtime`. Whoever changes this file, or the translator, changes the hash
// under which modules are kept.

#include <cstddef>
#include <cstdint>

#if defined(__SANITIZE_THREAD__)
#define EMULATOR_TSAN
#elif defined(__SANITIZE_ADDRESS__)
#define EMULATOR_ASAN
#endif

// The emulator's own state is no business of the race detector's: only a kernel's loads and stores are.
#if defined(EMULATOR_TSAN)
#define EMULATOR_UNCHECKED __attribute__((no_sanitize("thread"), noinline))
#else
#define EMULATOR_UNCHECKED
#endif

namespace emulator {

/// A live piece of memory that kernels may address; `bytes` is 0 once it was freed. A host reads the byte at
/// address a at a + to_host: device addresses themselves are never readable by the host.
struct Allocation {
  std::uint64_t base = 0;
  std::uint64_t bytes = 0;
  std::uint64_t to_host = 0;
};

/// An instruction that can go wrong: for messages, and the allocation it touched last.
struct Site {
  const char* instruction;
  const char* file;
  int line;
  const Allocation* allocation;
};

/// Where lanes leave what they bring to a collective and find what they take from it.
struct Mailbox {
  alignas(16) std::byte in[64];
  std::byte out[64];
};

/// A cp.async that was issued and not waited for.
struct AsyncCopy {
  std::byte* to;
  const std::byte* from;
  int bytes;
  int source_bytes;
  int group;
};

/// Generic addresses of shared memory: this plus the offset. No device or host address lies there.
inline constexpr std::uint64_t kSharedWindow = std::uint64_t{1} << 60;

struct Runtime;

/// What the threads of the running block have in common.
struct Block {
  const Runtime* runtime;
  const char* kernel;
  std::byte* shared;
  std::uint32_t shared_bytes;
  std::uint32_t dynamic_shared_offset;
  std::uint32_t dynamic_shared_bytes;
  std::uint32_t threads[3];
  std::uint32_t blocks[3];
  std::uint32_t block[3];
  std::uint64_t clock;
};

/// A CUDA thread, as its kernel sees it.
struct Thread {
  Block* block;
  std::uint32_t thread[3];
  std::uint32_t linear;
  std::uint32_t lane;
  std::uint32_t warp;
  Mailbox* mailboxes;  // (32), of the warp
  AsyncCopy* copies;
  int copy_count;
  int copy_capacity;
  int copy_group;
};

enum class FaultKind { illegal_address, misaligned_address, illegal_instruction, launch_failure, deadlock };
enum class BarrierKind { sync, arrive };

/// Runs once all lanes of `mask` have arrived. `lanes` are the warp's 32 mailboxes.
using Collective = void (*)(Mailbox* lanes, std::uint32_t mask, Thread& last);

struct Runtime {
  __attribute__((noreturn)) void (*fault)(Thread&, const Site&, FaultKind, const char* format, ...);
  /// The allocation that holds the address, or one of no bytes.
  const Allocation* (*find_allocation)(std::uint64_t address);
  /// Whether the address lies in this thread's stack, where local memory and parameters are.
  bool (*is_local)(const Thread&, std::uint64_t address);
  /// Waits until every lane of `mask` is in the same kind of collective. `orders_memory`: what the lanes
  /// wrote before is visible after. `aligned`: all must be at the same instruction.
  void (*meet)(Thread&, const Site&, std::uint32_t mask, bool aligned, bool orders_memory, Collective);
  /// Barrier of the block. `threads` = 0 means all. Gives the number of threads whose `predicate` held.
  std::uint32_t (*barrier)(Thread&, const Site&, std::uint32_t id, std::uint32_t threads, BarrierKind,
                           bool predicate);
  void (*grow_copies)(Thread&);
};

struct Parameter {
  std::uint32_t offset;
  std::uint32_t bytes;
};

/// A range of the block's shared memory; what lies between ranges is poisoned under AddressSanitizer.
struct SharedVariable {
  std::uint32_t offset;
  std::uint32_t bytes;
};

struct Kernel {
  const char* name;
  void (*run)(Thread&, const std::byte* parameters);
  const Parameter* parameters;
  std::uint32_t parameter_count;
  std::uint32_t parameter_bytes;
  std::uint32_t max_threads;  // .maxntid or .reqntid: __launch_bounds__
  std::uint32_t local_bytes;
  const SharedVariable* shared;  // those that the kernel and what it calls may touch
  std::uint32_t shared_count;
  std::uint32_t static_shared_bytes;    // of those, packed
  std::uint32_t dynamic_shared_offset;  // behind them
  bool meets;  // has barriers or warp collectives: its threads need stacks of their own
};

/// A .global or .const variable; the emulator places it in device memory and writes its address.
struct GlobalVariable {
  const char* name;
  std::uint64_t bytes;
  const unsigned char* initial;  // null: zeros
  std::uint64_t* address;
};

struct Module {
  const Kernel* kernels;
  std::uint32_t kernel_count;
  const GlobalVariable* globals;
  std::uint32_t global_count;
};

}  // namespace emulator
