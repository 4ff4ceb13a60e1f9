#pragma once

#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/gemm/epilogue.h"
#include "kernels/cpu/gemm/microkernel.h"
#include "kernels/cpu/gemm/packing.h"
#if defined(ATTUNE_AMX)
#include "kernels/cpu/simd/amx.h"
#endif

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

/// The micro tiles of one block. What is the same for all of them is decided once.
class MicroTiles {
 public:
  explicit MicroTiles(const Block& block);

  /// The sums of a panel of A and one of B, and where the depth ends what belongs to C beside them. Meanwhile
  /// kAhead floats a step of depth from `ahead` on are brought closer: where a factor comes from the third
  /// level it is waited for otherwise. Null: nothing is.
  ATTUNE_INLINE void make(const RowPanel& a, const ColumnPanel& b, const float* ahead) const {
    if (finish_.any()) {
      make_and_finish(a, b, ahead);
    } else {
      multiply(a, b, ahead, sums_ + a.row * stride_ + b.column, stride_);
    }
  }

 private:
  ATTUNE_INLINE void multiply(const RowPanel& a, const ColumnPanel& b, const float* ahead, float* sums,
                              std::int64_t stride) const {
    const MicroKernels* kernels = ahead == nullptr ? kernels_ : kernels_that_bring_;
    if (a.stride != 0 || b.stride != 0) kernels = kernels_where_it_lies_;
    const std::int64_t vectors = ceil_divide(b.columns, Vec::kWidth);
    kernels->of(a.rows, vectors)(block_.depth.size(), a.data, a.stride, b.data, b.stride, sums, stride,
                                 b.columns, add_, ahead);
  }
  void make_and_finish(const RowPanel& a, const ColumnPanel& b, const float* ahead) const;

#if defined(ATTUNE_AMX)
  TileConfiguration configuration_;
#endif
  const Block& block_;
  const MicroKernels* kernels_;
  const MicroKernels* kernels_that_bring_;
  const MicroKernels* kernels_where_it_lies_;
  float* sums_ = nullptr;  ///< of the block; null: of each tile by itself, until they are finished
  std::int64_t stride_ = 0;
  bool add_;
  Finish finish_;
};

}  // namespace attune::cpu::ATTUNE_ISA
