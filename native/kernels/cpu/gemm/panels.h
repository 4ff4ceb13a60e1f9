#pragma once

#include <span>

#include "kernels/cpu/gemm/blocking.h"

namespace attune::cpu::ATTUNE_ISA {

/// out[k * width + j] = alpha * source(begin + j, k) for j < count, 0 for count <= j < width: depth slowest.
struct Panel {
  float* out = nullptr;
  std::int64_t begin = 0;  ///< across the source
  std::int64_t width = 0;  ///< elements between two depths of out
  std::int64_t count = 0;  ///< elements of a depth that come from the source
  std::int64_t depth = 0;
  float alpha = 1.0F;
};

/// Panels beside one another in the source, behind one another in memory, of one depth and alpha.
class Panels {
 public:
  static constexpr std::int64_t kMost = 16;

  explicit Panels(std::int64_t across) : across_(across) {}
  void add(const Panel& panel) { panels_[count_++] = panel; }
  [[nodiscard]] std::span<const Panel> panels() const { return {panels_, count_}; }
  /// Elements of the whole source.
  [[nodiscard]] std::int64_t across() const { return across_; }

 private:
  Panel panels_[kMost];
  std::size_t count_ = 0;
  std::int64_t across_;
};

/// Packs panels of a matrix of float32 or bfloat16 with any two strides, or quantised with neighbours along
/// one axis, as float32. `offset`: of element 0 across at the first depth; `stride`: between elements across.
void pack_panels(const Panels& all, const Matrix& matrix, std::int64_t offset, std::int64_t stride,
                 std::int64_t depth_stride);

#if defined(ATTUNE_BF16_PAIRS)
/// The same of a matrix of bfloat16 in pairs: lane k holds depths 2 k and 2 k + 1, alpha is a power of two.
/// `depths`: elements that the matrix has from there on, or more than the panels hold; the rest 0.
void pack_pairs(const Panels& all, const Matrix& matrix, std::int64_t offset, std::int64_t stride,
                std::int64_t depth_stride, std::int64_t depths);
#endif

}  // namespace attune::cpu::ATTUNE_ISA
