#pragma once

#include <stdexcept>
#include <string>

#include "driver/driver_types.h"

namespace emulator {

/// What a driver function answers, with the reason that CUDA itself would not give. Reasons are printed; an
/// error without one was asked for (an injected failure) or is everyday (out of memory, not ready).
class DriverError : public std::runtime_error {
 public:
  explicit DriverError(CUresult code, const std::string& reason = "")
      : std::runtime_error(reason), code_(code) {}
  [[nodiscard]] CUresult code() const { return code_; }

 private:
  CUresult code_;
};

}  // namespace emulator
