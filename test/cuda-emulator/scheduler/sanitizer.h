#pragma once

// What the sanitizers want to be told. Nothing of it is left in the plain build.

#include "semantics/kernel_interface.h"

#if defined(EMULATOR_ASAN)
#include <sanitizer/asan_interface.h>
#endif

#if defined(EMULATOR_TSAN)
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#endif

namespace emulator::sanitizer {

#if defined(EMULATOR_TSAN)
inline constexpr bool kFindsRaces = true;
#else
inline constexpr bool kFindsRaces = false;
#endif

/// What came before a release of `place` happened before what comes after an acquire of it.
inline void release([[maybe_unused]] void* place) {
#if defined(EMULATOR_TSAN)
  __tsan_release(place);
#endif
}
inline void acquire([[maybe_unused]] void* place) {
#if defined(EMULATOR_TSAN)
  __tsan_acquire(place);
#endif
}
inline void forbid([[maybe_unused]] void* from, [[maybe_unused]] std::size_t bytes) {
#if defined(EMULATOR_ASAN)
  __asan_poison_memory_region(from, bytes);
#endif
}
inline void allow([[maybe_unused]] void* from, [[maybe_unused]] std::size_t bytes) {
#if defined(EMULATOR_ASAN)
  __asan_unpoison_memory_region(from, bytes);
#endif
}

}  // namespace emulator::sanitizer
