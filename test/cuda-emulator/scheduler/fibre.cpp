#include "scheduler/fibre.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

#include "scheduler/sanitizer.h"

#if defined(EMULATOR_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif

#if !defined(__x86_64__)
#error "the emulator's fibres are written for x86-64"
#endif

// Saves what the calling convention wants saved, swaps the stacks, and returns on the other one.
extern "C" void emulator_switch_stack(void** save, void* to);
// Where a fresh stack returns to: calls what it finds in rbp with what it finds in rbx.
extern "C" void emulator_start_fibre();
asm(R"(.text
.type emulator_switch_stack,@function
.hidden emulator_switch_stack
.globl emulator_switch_stack
emulator_switch_stack:
 push %rbp
 push %rbx
 push %r12
 push %r13
 push %r14
 push %r15
 mov %rsp,(%rdi)
 mov %rsi,%rsp
 pop %r15
 pop %r14
 pop %r13
 pop %r12
 pop %rbx
 pop %rbp
 ret
.size emulator_switch_stack,.-emulator_switch_stack
.type emulator_start_fibre,@function
.hidden emulator_start_fibre
.globl emulator_start_fibre
emulator_start_fibre:
 mov %rbx,%rdi
 call *%rbp
.size emulator_start_fibre,.-emulator_start_fibre
)");

namespace emulator {
namespace {

constexpr std::size_t kPage = 4096;

}  // namespace

Fibre::Fibre(std::size_t index) : skew_(index % 61 * 192) {
  void* mapped =
      mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  stack_ = static_cast<std::byte*>(mapped);
  mprotect(stack_, kPage, PROT_NONE);  // running over the end must not reach the next stack
}

Fibre::~Fibre() {
#if defined(EMULATOR_TSAN)
  if (stack_ != nullptr && race_detector_ != nullptr) __tsan_destroy_fiber(race_detector_);
#endif
  if (stack_ != nullptr) munmap(stack_, kStackBytes);
}

void Fibre::adopt_current() {
#if defined(EMULATOR_TSAN)
  race_detector_ = __tsan_get_current_fiber();
#endif
}

void Fibre::reset(void (*entry)(void*), void* argument) {
  sanitizer::allow(stack_, kStackBytes);
  entry_ = entry;
  argument_ = argument;
  fake_stack_ = nullptr;
  bottom_ = stack_;
  bottom_bytes_ = kStackBytes;
#if defined(EMULATOR_TSAN)
  if (race_detector_ != nullptr) __tsan_destroy_fiber(race_detector_);
  race_detector_ = __tsan_create_fiber(0);
#endif
  // A multiple of 16 once everything is popped, as calls want it.
  auto** top = reinterpret_cast<void**>(stack_ + kStackBytes - 64 - skew_);
  *--top = reinterpret_cast<void*>(&emulator_start_fibre);
  *--top = reinterpret_cast<void*>(&Fibre::start);  // rbp
  *--top = this;                                    // rbx
  for (int i = 0; i < 4; ++i) *--top = nullptr;
  stack_pointer_ = static_cast<void*>(top);
}

void Fibre::start(Fibre& self) {
  self.arrived();
  self.entry_(self.argument_);
  std::abort();
}

void Fibre::arrived() {
#if defined(EMULATOR_ASAN)
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(fake_stack_, &bottom, &bytes);
  // The adopted fibre's stack is learnt from the first one that leaves it.
  if (origin_ != nullptr && origin_->stack_ == nullptr) {
    origin_->bottom_ = bottom;
    origin_->bottom_bytes_ = bytes;
  }
#endif
}

void Fibre::switch_to(Fibre& to) {
#if defined(EMULATOR_TSAN)
  __tsan_switch_to_fiber(to.race_detector_, 1);  // 1: a switch orders nothing
#endif
#if defined(EMULATOR_ASAN)
  to.origin_ = this;
  __sanitizer_start_switch_fiber(&fake_stack_, to.bottom_, to.bottom_bytes_);
#endif
  emulator_switch_stack(&stack_pointer_, to.stack_pointer_);
  arrived();
}

}  // namespace emulator
