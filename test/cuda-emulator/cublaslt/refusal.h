#pragma once

#include <stdexcept>
#include <string>

#include "cublaslt/cublaslt_types.h"

namespace emulator {

/// What a function answers, with the reason that cuBLASLt itself would not give.
class Refusal : public std::runtime_error {
 public:
  explicit Refusal(const std::string& reason, cublasStatus_t status = CUBLAS_STATUS_INVALID_VALUE)
      : std::runtime_error(reason), status_(status) {}
  [[nodiscard]] cublasStatus_t status() const { return status_; }

 private:
  cublasStatus_t status_;
};

}  // namespace emulator
