#pragma once

#include "kernels/cpu/gemm/packing.h"

namespace attune::cpu::ATTUNE_ISA {

/// Elements of B that are packed next, asked for some lines of the cache at a time while others are
/// multiplied: packing has nothing else to do than to wait for them.
class Upcoming {
 public:
  /// Nothing.
  Upcoming() = default;
  /// Columns [column, column + columns) at these depths, in `times` shares. Nothing where they are quantised
  /// or of a second product.
  Upcoming(const Gemm& gemm, Lane lane, DepthRange depth, std::int64_t column, std::int64_t columns,
           std::int64_t times);

  /// One share.
  ATTUNE_INLINE void ask() {
    for (std::int64_t i = 0; i < share_ && runs_ > 0; ++i) {
      prefetch_second_level(run_ + done_);
      done_ += kLineBytes;
      if (done_ < bytes_) continue;
      done_ = 0;
      run_ += stride_;
      --runs_;
    }
  }

 private:
  static constexpr std::int64_t kLineBytes = 64;

  const char* run_ = nullptr;  ///< neighbours in memory
  std::int64_t bytes_ = 0;     ///< of a run
  std::int64_t stride_ = 0;    ///< bytes between runs
  std::int64_t runs_ = 0;      ///< left
  std::int64_t done_ = 0;      ///< bytes of the run
  std::int64_t share_ = 0;     ///< lines
};

}  // namespace attune::cpu::ATTUNE_ISA
