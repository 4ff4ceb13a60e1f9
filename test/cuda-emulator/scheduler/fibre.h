#pragma once

#include <cstddef>

#include "semantics/kernel_interface.h"

namespace emulator {

/// A stack with a thread of execution on it. It knows the sanitizers, which must be told of every switch.
class Fibre {
 public:
  /// Stacks are mapped, not touched: a page costs memory only once it is used. A kernel's registers live
  /// here.
  static constexpr std::size_t kStackBytes = std::size_t{256} << 10;

  /// The one that runs already.
  Fibre() = default;
  /// `index` spreads the tops of the stacks over the cache's sets.
  explicit Fibre(std::size_t index);
  ~Fibre();
  Fibre(const Fibre&) = delete;
  Fibre& operator=(const Fibre&) = delete;

  /// Takes the thread that calls as this fibre.
  void adopt_current();
  /// Forgets what runs on the stack; the next switch to this fibre calls `entry(argument)`, which never
  /// returns.
  void reset(void (*entry)(void*), void* argument);
  /// Leaves this fibre, which must be the running one, for `to`.
  void switch_to(Fibre& to);

  [[nodiscard]] bool holds(std::uint64_t address) const {
    return address - reinterpret_cast<std::uint64_t>(stack_) < kStackBytes;
  }

 private:
  static void start(Fibre& self);
  void arrived();

  void* stack_pointer_ = nullptr;
  std::byte* stack_ = nullptr;
  std::size_t skew_ = 0;
  void (*entry_)(void*) = nullptr;
  void* argument_ = nullptr;
  void* race_detector_ = nullptr;  // ThreadSanitizer's name for this fibre
  void* fake_stack_ = nullptr;     // AddressSanitizer's, while the fibre does not run
  const void* bottom_ = nullptr;   // of the stack AddressSanitizer switches to
  std::size_t bottom_bytes_ = 0;
  Fibre* origin_ = nullptr;  // who switched to this one
};

}  // namespace emulator
