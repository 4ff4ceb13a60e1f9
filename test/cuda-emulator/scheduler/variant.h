#pragma once

// What a build of the emulator asks of the kernels it will run: the sanitizer variants are the scheduler's
// alone, and translator and driver are the same in all.

#include <cstdint>
#include <string>
#include <vector>

namespace emulator {

/// Flags for the compiler of translated modules.
[[nodiscard]] std::vector<std::string> sanitizer_flags();

/// Bytes that must lie between shared variables, so that an access past one's end is seen.
[[nodiscard]] std::uint32_t redzone_bytes();

}  // namespace emulator
