#pragma once

#include <cstdint>
#include <string>

#include "driver/driver_types.h"
#include "scheduler/order.h"

namespace emulator {

/// What ATTUNE_CUDA_EMULATOR and attuneCudaEmulatorConfigure set: `key=value` pairs, separated by commas.
struct Settings {
  Order order = Order::forward;                   // order=forward|reverse|random
  std::uint32_t seed = 1;                         // seed=N, of the random order
  int devices = 1;                                // devices=0|1
  int driver_version = 13000;                     // driver=13000
  int compute_capability = 80;                    // compute-capability=8.0
  int multiprocessors = 4;                        // multiprocessors=N
  std::uint64_t memory = std::uint64_t{8} << 30;  // memory=512M
  std::uint64_t fail_allocation = 0;              // fail-allocation=N: the Nth from now runs out of memory
  std::uint64_t fail_launch = 0;  // fail-launch=N: the Nth kernel run from now fails, and all after it
  CUresult fail_launch_code = CUDA_ERROR_LAUNCH_FAILED;  // fail-launch-code=719
  bool eager = false;  // eager=1: work runs when it is queued, as no GPU promises
  std::string tape;    // tape=FOLDER: what the device does is written to FOLDER/<process>.tape
};

/// Applies `text` to `settings`. Throws DriverError on a key or a value that it does not know.
void apply_settings(Settings& settings, const std::string& text);

}  // namespace emulator
