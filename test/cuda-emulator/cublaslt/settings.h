#pragma once

#include <cstddef>
#include <string>

namespace emulator {

/// What ATTUNE_CUBLASLT_EMULATOR sets: `key=value` pairs, separated by commas, read at every call.
struct CublasLtSettings {
  std::size_t version = 130000;  // version=N: of the library
  bool fail_create = false;      // fail-create=1: cublasLtCreate fails
  bool algorithms = true;        // algorithms=0: there are none
  bool fail_product = false;     // fail-product=1: cublasLtMatmul refuses all
  std::string trace;             // trace=FILE: gets a line for every product that was computed
};

/// Throws Refusal on a key that it does not know.
[[nodiscard]] CublasLtSettings cublaslt_settings();

}  // namespace emulator
