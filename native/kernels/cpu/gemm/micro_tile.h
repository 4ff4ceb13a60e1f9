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

/// The sums of a panel of A and one of B, and where the depth ends what belongs to C beside them. Meanwhile a
/// share of the panel of A that comes `next` is brought closer where A is large: without it the third level,
/// from which panels of A come, is waited for. `index` counts the tiles of a panel of A, each of which takes
/// another share.
void micro_tile(const Block& block, const RowPanel& a, const ColumnPanel& b, const RowPanel& next,
                std::int64_t index);

}  // namespace attune::cpu::ATTUNE_ISA
