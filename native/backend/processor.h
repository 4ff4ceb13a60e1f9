#pragma once

#include <string>
#include <vector>

namespace attune {

/// What the processor and the operating system offer, asked once.
struct Processor {
  std::string model;
  std::string vendor;        ///< amd, intel, or empty: unknown
  std::string architecture;  ///< x64, arm64, …
  std::vector<std::string>
      features;   ///< those that kernels ask about: avx2, fma, avx512f, avx512_bf16, amx_bf16, neon, …
  int cores = 1;  ///< that this process may use

  [[nodiscard]] bool has(const char* feature) const;
};

[[nodiscard]] const Processor& processor();

}  // namespace attune
