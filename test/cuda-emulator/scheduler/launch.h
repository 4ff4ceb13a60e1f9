#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/order.h"
#include "semantics/kernel_interface.h"

namespace emulator {

/// A kernel with everything it needs to run, arguments included.
struct Launch {
  const Kernel* kernel = nullptr;
  std::vector<std::byte> parameters;
  std::array<std::uint32_t, 3> blocks{};
  std::array<std::uint32_t, 3> threads{};
  std::uint32_t dynamic_shared_bytes = 0;
};

/// What stopped a kernel.
struct Fault {
  FaultKind kind;
  std::string message;
};

struct ScheduleOptions {
  Order order = Order::forward;
  std::uint32_t seed = 1;
};

/// How much work there was: for the timing that the README quotes.
struct Counters {
  std::uint64_t launches = 0;
  std::uint64_t threads = 0;
  std::uint64_t switches = 0;
};

}  // namespace emulator
