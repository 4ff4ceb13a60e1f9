#include "scheduler/variant.h"

namespace emulator {

std::vector<std::string> sanitizer_flags() {
// Reports name lines, which is all that -g1 tells: -g doubles the compiler's time.
#if defined(EMULATOR_TSAN)
  return {"-g1", "-fsanitize=thread"};
#elif defined(EMULATOR_ASAN)
  // Inline checks make the compiler take minutes for a large kernel; calls do not. No more does it mark where
  // each register begins and ends to be valid.
  return {"-g1", "-fsanitize=address", "-fno-sanitize-address-use-after-scope", "--param",
          "asan-instrumentation-with-call-threshold=0"};
#else
  return {};
#endif
}

std::uint32_t redzone_bytes() {
#if defined(EMULATOR_ASAN)
  return 64;
#else
  return 0;
#endif
}

}  // namespace emulator
