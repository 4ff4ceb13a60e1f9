#include "core/aligned_memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "core/error.h"

namespace attune {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

/// From here on memory comes from the system and goes back to it at once; the heap would keep it. Rounding up
/// to whole pages costs at most 1/64 of it.
constexpr std::size_t kMapThreshold = std::size_t{256} << 10;

[[nodiscard]] bool is_mapped(std::size_t bytes) { return bytes >= kMapThreshold; }

[[nodiscard]] std::byte* map_pages(std::size_t bytes) {
  void* base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return base == MAP_FAILED ? nullptr : static_cast<std::byte*>(base);
}

[[nodiscard]] std::byte* map_huge(std::size_t bytes) {
  // Over-map by one huge page, then give back what lies outside the aligned range.
  const std::size_t whole = bytes + kHugePage;
  std::byte* base = map_pages(whole);
  if (base == nullptr) return nullptr;
  const auto start = reinterpret_cast<std::uintptr_t>(base);
  const std::uintptr_t aligned = align_up(start, kHugePage);
  if (aligned > start) munmap(base, aligned - start);
  const std::uintptr_t end = start + whole;
  const std::uintptr_t used = align_up(aligned + bytes, 4096);
  if (end > used) munmap(reinterpret_cast<void*>(used), end - used);
  auto* data = reinterpret_cast<std::byte*>(aligned);
#if defined(MADV_HUGEPAGE)
  madvise(data, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return data;
}

/// Whole huge pages of one place to another; `to` is mapped, its pages there are dropped.
[[nodiscard]] bool move_pages([[maybe_unused]] std::byte* from, [[maybe_unused]] std::size_t bytes,
                              [[maybe_unused]] std::byte* to) {
#if defined(MREMAP_FIXED)
  return mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
#else
  return false;
#endif
}

}  // namespace

AlignedMemory::AlignedMemory(std::size_t bytes, const char* what) : bytes_(bytes) {
  if (bytes == 0) return;
  if (is_mapped(bytes)) {
    data_ = bytes >= kHugePage ? map_huge(bytes) : map_pages(bytes);
  } else {
    data_ = static_cast<std::byte*>(std::aligned_alloc(kAlignment, align_up(bytes)));
    if (data_ != nullptr) std::memset(data_, 0, bytes);
  }
  if (data_ == nullptr) {
    bytes_ = 0;
    throw Error("out-of-memory", what,
                "Could not get " + std::to_string(bytes) + " bytes for " + what +
                    ". Use a smaller batch, dtype 'bf16' or an adapter.");
  }
}

AlignedMemory::~AlignedMemory() {
  if (data_ == nullptr) return;
  if (is_mapped(bytes_)) {
    munmap(data_, align_up(bytes_, 4096));
  } else {
    std::free(data_);
  }
}

void AlignedMemory::enlarge(std::size_t bytes, const char* what) {
  const std::size_t whole = bytes_ / kHugePage * kHugePage;
  std::byte* const place = whole > 0 && bytes >= bytes_ ? map_huge(bytes) : nullptr;
  if (place != nullptr) {
    // The last pages are not huge: the system has them apart, and moves one kind at a time.
    munmap(data_ + whole, align_up(bytes_, 4096) - whole);
    bytes_ = whole;
    if (move_pages(data_, whole, place)) {
      data_ = place;
      bytes_ = bytes;
      return;
    }
    munmap(place, align_up(bytes, 4096));
  }
  *this = AlignedMemory();
  *this = AlignedMemory(bytes, what);
}

AlignedMemory AlignedMemory::take_over(std::byte* data, std::size_t bytes) noexcept {
  AlignedMemory memory;
  memory.data_ = data;
  memory.bytes_ = bytes;
  return memory;
}

AlignedMemory::AlignedMemory(AlignedMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

AlignedMemory& AlignedMemory::operator=(AlignedMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace attune
