#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace attune {

/// A concrete shape: at most four sizes, row-major, the last one fastest.
class Shape {
 public:
  static constexpr std::size_t kMaximumRank = 4;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> sizes) {
    for (const std::int64_t size : sizes) push_back(size);
  }

  void push_back(std::int64_t size) { sizes_.at(rank_++) = size; }

  [[nodiscard]] std::size_t rank() const noexcept { return rank_; }
  [[nodiscard]] std::int64_t operator[](std::size_t axis) const { return sizes_.at(axis); }
  [[nodiscard]] std::int64_t elements() const noexcept {
    std::int64_t product = 1;
    for (std::size_t axis = 0; axis < rank_; ++axis) product *= sizes_[axis];
    return product;
  }
  /// Size of the first axis: tokens, rows. 1 for a scalar.
  [[nodiscard]] std::int64_t rows() const noexcept { return rank_ == 0 ? 1 : sizes_[0]; }
  /// Elements in one row.
  [[nodiscard]] std::int64_t columns() const noexcept {
    std::int64_t product = 1;
    for (std::size_t axis = 1; axis < rank_; ++axis) product *= sizes_[axis];
    return product;
  }
  [[nodiscard]] bool operator==(const Shape& other) const noexcept {
    if (rank_ != other.rank_) return false;
    for (std::size_t axis = 0; axis < rank_; ++axis) {
      if (sizes_[axis] != other.sizes_[axis]) return false;
    }
    return true;
  }
  [[nodiscard]] std::string text() const {
    std::string out = "[";
    for (std::size_t axis = 0; axis < rank_; ++axis) {
      if (axis != 0) out += ", ";
      out += std::to_string(sizes_[axis]);
    }
    return out + "]";
  }

 private:
  std::array<std::int64_t, kMaximumRank> sizes_{};
  std::size_t rank_ = 0;
};

}  // namespace attune
