#include "scheduler/runner.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "scheduler/sanitizer.h"

namespace emulator {
namespace {

/// Shared memory of the largest block on any GPU, with room for redzones.
constexpr std::size_t kSharedBytes = std::size_t{512} << 10;
constexpr int kUninitialized = 0xff;  // NaN in every floating-point format

std::string text(const char* format, ...) __attribute__((format(printf, 1, 2)));
std::string text(const char* format, ...) {
  char buffer[1024];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return buffer;
}

}  // namespace

Runner::Runner(const Allocation* (*find_allocation)(std::uint64_t))
    : runtime_{fault, find_allocation, is_local, meet, barrier, grow_copies},
      shared_(static_cast<std::byte*>(std::aligned_alloc(1024, kSharedBytes))) {}

std::optional<Fault> Runner::run(const Launch& launch, const ScheduleOptions& options) {
  options_ = options;
  random_ = OrderRandom(options.seed);
  fault_.reset();
  prepare(launch);
  const std::uint32_t count = launch.blocks[0] * launch.blocks[1] * launch.blocks[2];
  for (const std::uint32_t block : permutation(count, options.order, random_)) {
    begin_block(block);
    sanitizer::release(&started_);
    main_.switch_to(lanes_[first_]->fibre);
    sanitizer::acquire(&ended_);
    if (fault_.has_value()) break;
  }
  sanitizer::allow(shared_.get(), kSharedBytes);
  if (fault_.has_value()) {
    // What still lies on the stacks is of no use any more.
    for (const auto& lane : lanes_) lane->fibre.reset(run_lane, lane.get());
  }
  return fault_;
}

void Runner::prepare(const Launch& launch) {
  launch_ = &launch;
  threads_ = launch.threads[0] * launch.threads[1] * launch.threads[2];
  takes_turns_ = !launch.kernel->meets && !sanitizer::kFindsRaces;
  main_.adopt_current();
  thread_order_ = permutation(threads_, options_.order, random_);
  first_ = takes_turns_ ? 0 : thread_order_[0];
  mailboxes_.resize(1024);
  const std::uint32_t fibres = takes_turns_ ? 1 : threads_;
  while (lanes_.size() < fibres) {
    auto& lane = lanes_.emplace_back(std::make_unique<Lane>(*this, lanes_.size()));
    lane->fibre.reset(run_lane, lane.get());
  }
  block_ = {};
  block_.runtime = &runtime_;
  block_.kernel = launch.kernel->name;
  block_.shared = shared_.get();
  block_.dynamic_shared_offset = launch.kernel->dynamic_shared_offset;
  block_.dynamic_shared_bytes = launch.dynamic_shared_bytes;
  block_.shared_bytes = launch.kernel->dynamic_shared_offset + launch.dynamic_shared_bytes;
  std::memcpy(block_.threads, launch.threads.data(), sizeof block_.threads);
  std::memcpy(block_.blocks, launch.blocks.data(), sizeof block_.blocks);
  for (std::uint32_t i = 0; i < fibres; ++i) prepare_lane(*lanes_[i], i);
  ++counters_.launches;
}

void Runner::prepare_lane(Lane& lane, std::uint32_t linear) {
  lane.block = &block_;
  lane.linear = linear;
  lane.lane = linear % 32;
  lane.warp = linear / 32;
  lane.mailboxes = &mailboxes_[lane.warp * 32];
  lane.thread[0] = linear % block_.threads[0];
  lane.thread[1] = linear / block_.threads[0] % block_.threads[1];
  lane.thread[2] = linear / block_.threads[0] / block_.threads[1];
  lane.copy_count = 0;
  lane.copy_group = 0;
}

void Runner::poison_shared() {
  sanitizer::allow(shared_.get(), kSharedBytes);
  std::memset(shared_.get(), kUninitialized, block_.shared_bytes);
  sanitizer::forbid(shared_.get(), kSharedBytes);
  const Kernel& kernel = *launch_->kernel;
  for (std::uint32_t i = 0; i < kernel.shared_count; ++i) {
    sanitizer::allow(shared_.get() + kernel.shared[i].offset, kernel.shared[i].bytes);
  }
  sanitizer::allow(shared_.get() + kernel.dynamic_shared_offset, launch_->dynamic_shared_bytes);
}

void Runner::begin_block(std::uint32_t index) {
  block_.block[0] = index % block_.blocks[0];
  block_.block[1] = index / block_.blocks[0] % block_.blocks[1];
  block_.block[2] = index / block_.blocks[0] / block_.blocks[1];
  poison_shared();
  counters_.threads += threads_;
  exited_ = 0;
  if (takes_turns_) return;
  const std::uint32_t warps = (threads_ + 31) / 32;
  ready_warps_ = warps == 32 ? ~0u : (1u << warps) - 1;
  for (std::uint32_t i = 0; i < warps; ++i) {
    Warp& warp = warps_[i];
    const std::uint32_t lanes = threads_ - 32 * i;
    warp.existing = lanes >= 32 ? ~0u : (1u << lanes) - 1;
    warp.ready = warp.existing;
    warp.exited = 0;
    warp.meetings = 0;
  }
  for (BarrierState& barrier : barriers_) barrier = {};
  for (std::uint32_t i = 0; i < threads_; ++i) {
    lanes_[i]->state = LaneState::ready;
    lanes_[i]->copy_count = 0;
    lanes_[i]->copy_group = 0;
  }
  take(*lanes_[first_]);
}

/// The life of a fibre: a thread of each block of each launch, or all threads of a block.
void Runner::run_lane(void* argument) {
  Lane& lane = *static_cast<Lane*>(argument);
  Runner& runner = *lane.runner;
  for (;;) {
    sanitizer::acquire(&runner.started_);
    const Launch& launch = *runner.launch_;
    if (runner.takes_turns_) {
      for (const std::uint32_t linear : runner.thread_order_) {
        runner.prepare_lane(lane, linear);
        launch.kernel->run(lane, launch.parameters.data());
        check_finished(lane);
      }
      runner.exited_ = runner.threads_;
    } else {
      launch.kernel->run(lane, launch.parameters.data());
      check_finished(lane);
    }
    sanitizer::release(&runner.ended_);
    runner.finish(lane);
  }
}

void Runner::check_finished(Lane& lane) {
  if (lane.copy_count == 0) return;
  stop(lane, FaultKind::launch_failure,
       text("the thread ends with %d cp.async copies that were never waited for", lane.copy_count));
}

bool Runner::is_local(const Thread& thread, std::uint64_t address) {
  const Lane& lane = static_cast<const Lane&>(thread);
  const std::vector<std::byte>& parameters = lane.runner->launch_->parameters;
  return lane.fibre.holds(address) ||
         address - reinterpret_cast<std::uint64_t>(parameters.data()) < parameters.size();
}

void Runner::grow_copies(Thread& thread) {
  Lane& lane = static_cast<Lane&>(thread);
  lane.copy_storage.resize(lane.copy_storage.empty() ? 64 : 2 * lane.copy_storage.size());
  lane.copies = lane.copy_storage.data();
  lane.copy_capacity = static_cast<int>(lane.copy_storage.size());
}

void Runner::fault(Thread& thread, const Site& site, FaultKind kind, const char* format, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  stop(static_cast<Lane&>(thread), kind,
       text("%s (%s:%d): %s", site.instruction, site.file, site.line, buffer));
}

void Runner::stop(Lane& lane, FaultKind kind, const std::string& message) {
  Runner& runner = *lane.runner;
  const Block& block = runner.block_;
  runner.fault_ =
      Fault{kind, text("kernel %s, block (%u,%u,%u), thread (%u,%u,%u), lane %u of warp %u: %s", block.kernel,
                       block.block[0], block.block[1], block.block[2], lane.thread[0], lane.thread[1],
                       lane.thread[2], lane.lane, lane.warp, message.c_str())};
  sanitizer::release(&runner.ended_);
  lane.fibre.switch_to(runner.main_);
  std::abort();
}

}  // namespace emulator
