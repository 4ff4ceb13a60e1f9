#pragma once

#include <cstdio>

#include "driver/device.h"

namespace emulator {

/// Runs the body of a driver function under the device's lock and turns what it throws into its answer.
/// Reasons are printed: a program that is under test should not make such calls.
template <class Body>
CUresult call(const char* name, const Body& body) {
  Device& device = Device::instance();
  const std::lock_guard lock(device.mutex);
  try {
    body(device);
    return CUDA_SUCCESS;
  } catch (const DriverError& error) {
    if (*error.what() != '\0') {
      device.message = error.what();
      std::fprintf(stderr, "emulated CUDA: %s: %s\n", name, error.what());
    }
    return error.code();
  } catch (const std::exception& error) {
    device.message = error.what();
    std::fprintf(stderr, "emulated CUDA: %s: %s\n", name, error.what());
    return CUDA_ERROR_UNKNOWN;
  }
}

/// Which context is current on this thread; 0: none.
inline thread_local std::uint64_t current_context = 0;

/// The same for a function that needs a context whose kernels have not failed.
template <class Body>
CUresult call_in_context(const char* name, const Body& body) {
  return call(name, [&](Device& device) {
    device.require_initialized();
    if (!device.has_context() || current_context != device.context_generation()) {
      throw DriverError(CUDA_ERROR_INVALID_CONTEXT, "no context is current on this thread");
    }
    device.require_healthy();
    body(device);
  });
}

template <class T>
T& required(T* pointer) {
  if (pointer == nullptr) throw DriverError(CUDA_ERROR_INVALID_VALUE, "a pointer is null");
  return *pointer;
}

}  // namespace emulator
