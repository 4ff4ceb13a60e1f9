#include "scheduler/variant.h"

namespace emulator {

std::vector<std::string> sanitizer_flags() {
#if defined(EMULATOR_TSAN)
  return {"-g", "-fsanitize=thread"};
#elif defined(EMULATOR_ASAN)
  // Inline checks make the compiler take minutes for a large kernel; calls do not.
  return {"-g", "-fsanitize=address", "--param", "asan-instrumentation-with-call-threshold=0"};
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
