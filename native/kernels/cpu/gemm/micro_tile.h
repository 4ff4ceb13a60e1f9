#pragma once

#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/gemm/packing.h"

namespace attune::cpu::ATTUNE_ISA {

/// One block of C and of depth.
struct Block {
  const Gemm& gemm;
  Lane lane = Lane::f32;
  std::int64_t row = 0;  ///< of C, where the block starts
  std::int64_t column = 0;
  std::int64_t columns = 0;
  DepthRange depth;
  bool last = false;      ///< of the depth
  float* sums = nullptr;  ///< (rows, columns) partial sums; null: C itself holds them, or there are none
  [[nodiscard]] bool first() const { return depth.begin == 0; }

  [[nodiscard]] std::int64_t panel_columns(std::int64_t panel) const {
    const std::int64_t left = columns - panel * kTileColumns;
    return left < kTileColumns ? left : kTileColumns;
  }
};

/// A panel of A and the rows of C that it makes.
struct RowPanel {
  const float* data = nullptr;
  std::int64_t stride = 0;  ///< between rows, where it is not packed
  std::int64_t row = 0;     ///< of the block
  std::int64_t rows = 0;
};

struct ColumnPanel {
  const float* data = nullptr;
  std::int64_t stride = 0;  ///< between depths, where it is not packed
  std::int64_t column = 0;  ///< of the block
  std::int64_t columns = 0;
};

/// The sums of a panel of A and one of B, and where the depth ends what belongs to C beside them. Meanwhile
/// kAhead floats a step of depth from `ahead` on are brought closer: where a factor comes from the third
/// level it is waited for otherwise. Null: nothing is.
void micro_tile(const Block& block, const RowPanel& a, const ColumnPanel& b, const float* ahead);

}  // namespace attune::cpu::ATTUNE_ISA
