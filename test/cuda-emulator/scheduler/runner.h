#pragma once

#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include "scheduler/fibre.h"
#include "scheduler/launch.h"

namespace emulator {

class Runner;

enum class LaneState : unsigned char { ready, in_collective, at_barrier, exited };

/// A CUDA thread with what the scheduler knows of it.
struct Lane : Thread {
  Lane(Runner& owner, std::size_t index) : Thread{}, runner(&owner), fibre(index) {}
  Runner* runner;
  Fibre fibre;
  LaneState state = LaneState::ready;
  const Site* waits_at = nullptr;
  char woken = 0;  // ThreadSanitizer's name for what the lane learns when it is woken
  std::vector<AsyncCopy> copy_storage;
};

/// Lanes that named the same mask and wait for each other.
struct Meeting {
  std::uint32_t mask = 0;
  std::uint32_t arrived = 0;
  Collective collective = nullptr;
  const Site* site = nullptr;
};

struct Warp {
  std::uint32_t existing = 0;
  std::uint32_t ready = 0;
  std::uint32_t exited = 0;
  std::uint32_t meetings = 0;
  Meeting meeting[32];
};

struct BarrierState {
  std::uint32_t expected = 0;
  std::uint32_t arrived = 0;
  bool of_all = false;  // no thread count was given
  const Site* site = nullptr;
  std::uint32_t predicates = 0;
  std::uint32_t result = 0;
  std::uint32_t waiting[32] = {};  // a mask per warp
};

struct FreeAligned {
  void operator()(std::byte* memory) const { std::free(memory); }
};

/// Runs launches, one at a time, on the thread that calls. Threads of a block are fibres, or, where no two of
/// them ever meet, turns of a loop.
class Runner {
 public:
  explicit Runner(const Allocation* (*find_allocation)(std::uint64_t));
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  [[nodiscard]] std::optional<Fault> run(const Launch& launch, const ScheduleOptions& options);
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  __attribute__((noreturn)) static void fault(Thread&, const Site&, FaultKind, const char* format, ...)
      __attribute__((format(printf, 4, 5)));
  static bool is_local(const Thread& thread, std::uint64_t address);
  static void meet(Thread&, const Site&, std::uint32_t mask, bool aligned, bool orders_memory, Collective);
  static std::uint32_t barrier(Thread&, const Site&, std::uint32_t id, std::uint32_t threads, BarrierKind,
                               bool);
  static void grow_copies(Thread& thread);

  static void run_lane(void* argument);
  static void check_finished(Lane& lane);
  [[noreturn]] static void stop(Lane& lane, FaultKind kind, const std::string& message);

  void prepare(const Launch& launch);
  void prepare_lane(Lane& lane, std::uint32_t linear);
  void begin_block(std::uint32_t index);
  void poison_shared();
  void finish(Lane& lane);
  /// Gives the processor to whoever is next, until `lane` is ready and chosen again.
  void wait(Lane& lane);
  Lane* choose(const Lane& from);
  void take(const Lane& lane);
  void make_ready(std::uint32_t warp, std::uint32_t lanes);
  /// Tells the race detector that what came before `place` was released happened before these lanes go on.
  void order_memory(void* place, std::uint32_t warp, std::uint32_t lanes);
  Meeting& join(Lane& lane, const Site& site, std::uint32_t mask, bool aligned, Collective collective);
  void check_divergence(Lane& lane, const BarrierState& state, const Site& site, std::uint32_t id);
  [[noreturn]] void stop_deadlocked(Lane& last);

  Runtime runtime_;
  Block block_{};
  Fibre main_;
  const Launch* launch_ = nullptr;
  ScheduleOptions options_;
  OrderRandom random_{1};
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<Mailbox> mailboxes_;
  std::vector<std::uint32_t> thread_order_;
  std::uint32_t first_ = 0;
  std::unique_ptr<std::byte[], FreeAligned> shared_;
  Warp warps_[32];
  BarrierState barriers_[16];
  std::uint32_t ready_warps_ = 0;
  std::uint32_t threads_ = 0;
  std::uint32_t exited_ = 0;
  std::optional<Fault> fault_;
  Counters counters_;
  // ThreadSanitizer's names for the start and the end of a block.
  char started_ = 0;
  char ended_ = 0;
  bool takes_turns_ = false;  // threads run one after another on one fibre
};

}  // namespace emulator
