#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace attune {

/// Zeroed memory from the operating system, aligned to 2 MiB when large so that huge pages fit
/// (they nearly double one thread's bandwidth). Freed by the destructor. Moves, never copies.
class AlignedMemory {
 public:
  AlignedMemory() = default;
  /// Throws Error{"out-of-memory"} naming `what`.
  AlignedMemory(std::size_t bytes, const char* what);
  ~AlignedMemory();
  AlignedMemory(AlignedMemory&& other) noexcept;
  AlignedMemory& operator=(AlignedMemory&& other) noexcept;
  AlignedMemory(const AlignedMemory&) = delete;
  AlignedMemory& operator=(const AlignedMemory&) = delete;

  /// Another size. What lay in it is lost, but its huge pages stay: they are not fetched from the system and
  /// filled with zeros again. Throws as the constructor does, and is empty then.
  void enlarge(std::size_t bytes, const char* what);

  /// The memory without its owner, and an owner for such memory.
  [[nodiscard]] std::byte* let_go() noexcept {
    bytes_ = 0;
    return std::exchange(data_, nullptr);
  }
  [[nodiscard]] static AlignedMemory take_over(std::byte* data, std::size_t bytes) noexcept;

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Every buffer of a plan starts on this boundary: one AVX-512 register, one cache line.
inline constexpr std::size_t kAlignment = 64;
[[nodiscard]] constexpr std::size_t align_up(std::size_t bytes, std::size_t to = kAlignment) {
  return (bytes + to - 1) / to * to;
}

}  // namespace attune
