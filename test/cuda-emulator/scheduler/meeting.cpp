// Where threads of a block wait for each other: collectives of a warp, barriers, and who runs meanwhile.

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "scheduler/runner.h"
#include "scheduler/sanitizer.h"

namespace emulator {
namespace {

constexpr std::uint32_t bit(std::uint32_t lane) { return 1u << lane; }

std::string describe(const Site& site) {
  return std::string(site.instruction) + " (" + site.file + ":" + std::to_string(site.line) + ")";
}

std::string hexadecimal(std::uint32_t mask) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, "0x%08x", mask);
  return buffer;
}

/// "0-31, 40": runs of ascending numbers.
std::string ranges(const std::vector<std::uint32_t>& numbers) {
  std::string result;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t end = i;
    while (end + 1 < numbers.size() && numbers[end + 1] == numbers[end] + 1) ++end;
    if (!result.empty()) result += ", ";
    result += std::to_string(numbers[i]);
    if (end > i) result += "-" + std::to_string(numbers[end]);
    i = end + 1;
  }
  return result;
}

}  // namespace

void Runner::take(const Lane& lane) {
  Warp& warp = warps_[lane.warp];
  warp.ready &= ~bit(lane.lane);
  if (warp.ready == 0) ready_warps_ &= ~bit(lane.warp);
}

void Runner::make_ready(std::uint32_t warp, std::uint32_t lanes) {
  if (lanes == 0) return;
  warps_[warp].ready |= lanes;
  ready_warps_ |= bit(warp);
}

void Runner::order_memory([[maybe_unused]] void* place, [[maybe_unused]] std::uint32_t warp,
                          [[maybe_unused]] std::uint32_t lanes) {
  // Each lane has a place of its own: in the common one there may be later news by the time it is woken.
  if constexpr (sanitizer::kFindsRaces) {
    sanitizer::acquire(place);
    for (; lanes != 0; lanes &= lanes - 1)
      sanitizer::release(&lanes_[32 * warp + std::countr_zero(lanes)]->woken);
  }
}

/// The next lane by the order, or null when nobody can run.
Lane* Runner::choose(const Lane& from) {
  if (ready_warps_ == 0) return nullptr;
  std::uint32_t warp = from.warp;
  std::uint32_t ready = warps_[warp].ready;
  std::uint32_t lane = 0;
  if (options_.order == Order::reverse) {
    std::uint32_t below = ready & (bit(from.lane) - 1);
    if (below == 0) {
      const std::uint32_t warps_below = ready_warps_ & (bit(warp) - 1);
      warp = 31 - std::countl_zero(warps_below != 0 ? warps_below : ready_warps_);
      below = warps_[warp].ready;
    }
    lane = 31 - std::countl_zero(below);
  } else {
    const bool random = options_.order == Order::random;
    if (ready == 0) {
      const std::uint32_t start = random ? random_.next(32) : warp;
      warp = (start + std::countr_zero(std::rotr(ready_warps_, static_cast<int>(start)))) % 32;
      ready = warps_[warp].ready;
    }
    const std::uint32_t start = random ? random_.next(32) : from.lane;
    lane = (start + std::countr_zero(std::rotr(ready, static_cast<int>(start)))) % 32;
  }
  return lanes_[32 * warp + lane].get();
}

void Runner::wait(Lane& lane) {
  Lane* next = choose(lane);
  if (next == nullptr) stop_deadlocked(lane);
  take(*next);
  ++counters_.switches;
  lane.fibre.switch_to(next->fibre);
  lane.state = LaneState::ready;
}

void Runner::finish(Lane& lane) {
  if (exited_ == threads_) {  // all took turns on this one fibre
    lane.fibre.switch_to(main_);
    return;
  }
  Warp& warp = warps_[lane.warp];
  lane.state = LaneState::exited;
  warp.exited |= bit(lane.lane);
  for (std::uint32_t i = 0; i < warp.meetings; ++i) {
    const Meeting& meeting = warp.meeting[i];
    if ((meeting.mask & bit(lane.lane)) == 0) continue;
    stop(lane, FaultKind::launch_failure,
         "warp divergence: the thread exits, and lanes " + hexadecimal(meeting.arrived) + " wait for it at " +
             describe(*meeting.site));
  }
  Lane* next = ++exited_ == threads_ ? nullptr : choose(lane);
  if (exited_ != threads_ && next == nullptr) stop_deadlocked(lane);
  if (next != nullptr) take(*next);
  ++counters_.switches;
  lane.fibre.switch_to(next == nullptr ? main_ : next->fibre);
}

Meeting& Runner::join(Lane& lane, const Site& site, std::uint32_t mask, bool aligned, Collective collective) {
  Warp& warp = warps_[lane.warp];
  const auto diverged = [&](const std::string& how) {
    stop(lane, FaultKind::launch_failure, describe(site) + ": warp divergence: " + how);
  };
  if ((mask & bit(lane.lane)) == 0) diverged("lane is not in its own mask " + hexadecimal(mask));
  if (mask == ~0u) mask = warp.existing;  // all there are
  if ((mask & ~warp.existing) != 0) diverged("the mask " + hexadecimal(mask) + " names lanes past the block");
  if ((mask & warp.exited) != 0)
    diverged("lanes " + hexadecimal(mask & warp.exited) + " of the mask have exited");
  for (std::uint32_t i = 0; i < warp.meetings; ++i) {
    Meeting& meeting = warp.meeting[i];
    if ((meeting.mask & mask) == 0) continue;
    const auto others = [&] {
      return "lanes " + hexadecimal(meeting.arrived) + " wait at " + describe(*meeting.site);
    };
    if (meeting.mask != mask) diverged(others() + " with the mask " + hexadecimal(meeting.mask));
    if (meeting.collective != collective || (aligned && meeting.site != &site)) diverged(others());
    return meeting;
  }
  Meeting& meeting = warp.meeting[warp.meetings++];
  meeting = {mask, 0, collective, &site};
  return meeting;
}

void Runner::meet(Thread& thread, const Site& site, std::uint32_t mask, bool aligned, bool orders_memory,
                  Collective collective) {
  Lane& lane = static_cast<Lane&>(thread);
  Runner& runner = *lane.runner;
  Warp& warp = runner.warps_[lane.warp];
  Meeting& meeting = runner.join(lane, site, mask, aligned, collective);
  if (orders_memory) sanitizer::release(&warp);
  meeting.arrived |= bit(lane.lane);
  if (meeting.arrived != meeting.mask) {
    lane.state = LaneState::in_collective;
    lane.waits_at = &site;
    runner.wait(lane);
    if (orders_memory) sanitizer::acquire(&lane.woken);
  } else {
    const std::uint32_t lanes = meeting.mask;
    if (orders_memory) runner.order_memory(&warp, lane.warp, lanes & ~bit(lane.lane));
    meeting = warp.meeting[--warp.meetings];
    if (collective != nullptr) collective(lane.mailboxes, lanes, lane);
    runner.make_ready(lane.warp, lanes & ~bit(lane.lane));
  }
}

void Runner::check_divergence(Lane& lane, const BarrierState& state, const Site& site, std::uint32_t id) {
  // A barrier of the whole block must be one instruction, as __syncthreads() demands. With a thread count,
  // the warps may come from different places.
  if (state.of_all && state.site != &site) {
    stop(lane, FaultKind::launch_failure,
         describe(site) + ": barrier divergence: " + std::to_string(state.arrived) +
             " threads wait at barrier " + std::to_string(id) + " at another place, " +
             describe(*state.site));
  }
}

std::uint32_t Runner::barrier(Thread& thread, const Site& site, std::uint32_t id, std::uint32_t threads,
                              BarrierKind kind, bool predicate) {
  Lane& lane = static_cast<Lane&>(thread);
  Runner& runner = *lane.runner;
  if (id >= 16) fault(thread, site, FaultKind::illegal_instruction, "barrier %u: there are 16", id);
  if (threads % 32 != 0) {
    fault(thread, site, FaultKind::illegal_instruction, "a barrier of %u threads: not whole warps", threads);
  }
  BarrierState& state = runner.barriers_[id];
  const std::uint32_t expected = threads == 0 ? runner.threads_ : threads;
  if (state.arrived == 0) {
    state.expected = expected;
    state.of_all = threads == 0;
    state.site = &site;
    state.predicates = 0;
  } else if (state.expected != expected) {
    fault(thread, site, FaultKind::launch_failure,
          "barrier divergence: barrier %u waits for %u threads, not %u", id, state.expected, expected);
  }
  runner.check_divergence(lane, state, site, id);
  sanitizer::release(&state);
  ++state.arrived;
  state.predicates += predicate ? 1 : 0;
  if (state.arrived == state.expected) {
    state.arrived = 0;
    state.result = state.predicates;
    for (std::uint32_t warp = 0; warp < 32; ++warp) {
      runner.order_memory(&state, warp, state.waiting[warp]);
      runner.make_ready(warp, state.waiting[warp]);
      state.waiting[warp] = 0;
    }
  } else if (kind == BarrierKind::sync) {
    state.waiting[lane.warp] |= bit(lane.lane);
    lane.state = LaneState::at_barrier;
    lane.waits_at = &site;
    runner.wait(lane);
    sanitizer::acquire(&lane.woken);
  }
  return state.result;
}

void Runner::stop_deadlocked(Lane& last) {
  std::map<std::string, std::vector<std::uint32_t>> groups;
  bool at_barrier = false;
  for (std::uint32_t i = 0; i < threads_; ++i) {
    const Lane& lane = *lanes_[i];
    at_barrier = at_barrier || lane.state == LaneState::at_barrier;
    groups[lane.state == LaneState::exited ? "have exited" : "wait at " + describe(*lane.waits_at)].push_back(
        i);
  }
  std::string message = at_barrier && exited_ > 0 ? "barrier divergence: " : "deadlock: ";
  bool first = true;
  for (const auto& [what, threads] : groups) {
    message += (first ? "threads " : "; threads ") + ranges(threads) + " " + what;
    first = false;
  }
  stop(last, FaultKind::deadlock, message);
}

}  // namespace emulator
