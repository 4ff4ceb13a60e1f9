#pragma once

// What launches share: which tensors are there, how work is cut into tasks, how scratch is laid out.

#include <bit>

#include "core/thread_pool.h"
#include "kernels/cpu/lanes.h"
#include "kernels/kernel.h"

namespace attune::cpu::ATTUNE_ISA {

inline std::int64_t minimum(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
inline std::int64_t maximum(std::int64_t a, std::int64_t b) { return a > b ? a : b; }
constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Whether a tensor of the list is there. Lists may end early.
inline bool has(std::span<const TensorView> views, std::size_t index) {
  return index < views.size() && views[index].present;
}

/// Columns of a tensor of any rank: the last axis. 1 for a scalar.
inline std::int64_t last_axis(const TensorView& view) {
  const std::size_t rank = view.shape.rank();
  return rank == 0 ? 1 : view.shape[rank - 1];
}

/// Elements of one task: 64 KiB of floats. A task then takes microseconds, far more than handing it out
/// costs, and what it reads and writes stays in a core's second-level cache.
inline constexpr std::int64_t kTaskElements = 16 * 1024;

/// Rows of one task for rows of this many columns, from the shape alone.
inline std::int64_t rows_of_task(std::int64_t columns) {
  return maximum(1, kTaskElements / maximum(1, columns));
}

/// body(begin, end) over n elements, kTaskElements at a time.
template <class Body>
void run_elements(ThreadPool& pool, std::int64_t n, const Body& body) {
  pool.run(divide_up(n, kTaskElements), [&](std::int64_t task, int) {
    body(task * kTaskElements, minimum(n, (task + 1) * kTaskElements));
  });
}

/// body(begin, end) over rows, `step` at a time.
template <class Body>
void run_rows(ThreadPool& pool, std::int64_t rows, std::int64_t step, const Body& body) {
  pool.run(divide_up(rows, step),
           [&](std::int64_t task, int) { body(task * step, minimum(rows, (task + 1) * step)); });
}

/// Lays arrays out in scratch, each on its own cache lines. With no memory it only counts, so that a kernel's
/// `scratch` and its `run` use one layout function and cannot disagree.
class Carver {
 public:
  Carver() = default;
  explicit Carver(std::span<std::byte> memory) : memory_(memory.data()) {}

  template <class T>
  T* take(std::int64_t count) {
    T* const array = memory_ == nullptr ? nullptr : reinterpret_cast<T*>(memory_ + used_);
    used_ += (static_cast<std::size_t>(count) * sizeof(T) + 63) / 64 * 64;
    return array;
  }
  [[nodiscard]] std::size_t used() const { return used_; }

 private:
  std::byte* memory_ = nullptr;
  std::size_t used_ = 0;
};

inline std::size_t no_scratch(const KernelCall&, int) { return 0; }

/// One value at a time. Always inlined, unlike core/dtype.h's, so that no copy of them is made per
/// instruction set.
ATTUNE_INLINE float widen_value(float value) { return value; }
ATTUNE_INLINE float widen_value(bfloat16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}
template <class T>
ATTUNE_INLINE T from_value(float value) {
  if constexpr (sizeof(T) == 4) {
    return value;
  } else {
    T narrow;
    store_partial(&narrow, broadcast(value), 1);
    return narrow;
  }
}

/// n values of either float type as floats.
template <class T>
void widen_values(const T* from, float* to, std::int64_t n) {
  for_vectors(n, [&](std::int64_t i, auto lanes) { store(to + i, load(from + i, lanes), lanes); });
}
inline void widen_values(const TensorView& from, float* to, std::int64_t n) {
  if (from.dtype == DType::bf16) {
    widen_values(from.as<const bfloat16>(), to, n);
  } else {
    widen_values(from.as<const float>(), to, n);
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
