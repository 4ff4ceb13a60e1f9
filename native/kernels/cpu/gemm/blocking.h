#pragma once

#include "kernels/cpu/gemm/gemm.h"

namespace attune::cpu::ATTUNE_ISA {

// The micro tile: kTileRows x kTileColumns sums in registers, kTileVectors vectors wide. Each step of depth
// loads kTileVectors vectors of B, takes one element of A per row, and does kTileRows * kTileVectors
// multiply-adds. The fewer instructions a multiply-add takes, the less a thread on the same core takes from
// it: beside one, on a Xeon (AVX-512), 14 x 2 that read two of three elements by themselves (1.32) have 1.04
// times the speed of 8 x 3 that broadcast them (1.46), and those 1.05 times that of 14 x 2 that do (1.57).
// Alone all have 0.97 of the peak.
//
// 32 registers hold 14 x 2 sums, 2 of B and 2 broadcasts (AVX-512), or 8 x 3 sums, 3 of B and a broadcast
// (NEON, AVX-512 with pairs of bfloat16); 16 hold 6 x 2, 2 and 1 (AVX2) or 4 x 2 and room for a compiler that
// needs more (portable).
inline constexpr int kTileVectors = Vec::kRegisters == 32 && !Vec::kFmaReads ? 3 : 2;
inline constexpr int kTileColumns = kTileVectors * Vec::kWidth;
inline constexpr int kTileRows =
    Vec::kRegisters == 32 ? (Vec::kFmaReads ? 14 : 8) : (Vec::kWidth == 8 ? 6 : 4);

// Depth of one block, in steps (a step is two depths where a lane holds a pair of bfloat16). A panel of A
// (AVX2: 6 x 392, 9 KiB; NEON: 8 x 784, 25 KiB) stays in the first-level cache while panels of B (24 and 37
// KiB) stream past it from the second level, or one of B while those of A do; deeper blocks would push it
// out, shallower ones touch C more often. With AVX-512 both stream (14 x 784, 43 KiB, and 98 KiB), and 392 or
// 528 are no faster. 784 and not 768, 392 and not 384: K = 768 k + a LoRA rank then needs no block more than
// 768 k does.
inline constexpr std::int64_t kDepthBlock = Vec::kWidth == 8 ? 392 : 784;

// Where B is one panel, it stays in the second-level cache at such a depth too: fewer blocks are fewer waits
// for the last thread.
inline constexpr std::int64_t kThinDepthBlock = 1568;
/// Up to this many rows B is read where it lies, if its rows do: 16 are three panels of AVX2.
inline constexpr std::int64_t kFewRows = 16;

// Panels that a task packs and multiplies at a time, so that they stay in the second-level cache: of A
// (AVX2 147 KiB, AVX-512 and NEON 390) or of B (AVX2 147 KiB, AVX-512 588, NEON 441).
inline constexpr std::int64_t kGroupRowPanels = kTileRows == 14 ? 9 : 16;
inline constexpr std::int64_t kGroupColumnPanels =
    Vec::kWidth == 8 ? 6 : (Vec::kWidth == 16 ? 192 / kTileColumns : 12);
// Rows of a block: they bound the float32 sums where C is bfloat16 (12 MiB).
inline constexpr std::int64_t kRowBlock = 4096;

// Lanes of the factor that is packed for all tasks (a slab of its depth, 1.5 MiB): it stays in the
// third-level cache, from which every task reads it anew.
inline constexpr std::int64_t kSlabLanes = std::int64_t{3} << 17;
/// Up to so many of its lanes (1 MiB) come soon enough unasked: of 0.6 MiB, asking cost 4 percent.
inline constexpr std::int64_t kNearLanes = std::int64_t{1} << 18;

/// Up to this many rows the product reads B once, where it lies (streaming.cpp) ...
inline constexpr std::int64_t kStreamingRows = 4;
/// ... and up to this many where B's columns are contiguous: packing would have to transpose them.
inline constexpr std::int64_t kStreamingDotRows = 16;

ATTUNE_INLINE constexpr std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Floats rounded up to whole cache lines: each part of scratch begins on one.
ATTUNE_INLINE std::int64_t whole_cache_lines(std::int64_t floats) { return ceil_divide(floats, 16) * 16; }

/// `total` units cut in `parts` ranges whose lengths differ by at most one unit: no part is a mere remainder.
struct EvenSplit {
  std::int64_t total = 0;
  std::int64_t parts = 1;
  std::int64_t unit = 1;

  [[nodiscard]] ATTUNE_INLINE std::int64_t begin(std::int64_t part) const {
    return part * total / parts * unit;
  }
  [[nodiscard]] ATTUNE_INLINE std::int64_t longest() const { return ceil_divide(total, parts) * unit; }
};

/// `total` rounded up to whole units, in parts of at most `longest`, which is a number of them. At least one
/// part, so that a depth of 0 still writes bias and addend.
ATTUNE_INLINE EvenSplit split_by(std::int64_t total, std::int64_t longest, std::int64_t unit = 1) {
  const std::int64_t units = ceil_divide(total, unit);
  const std::int64_t parts = ceil_divide(units, longest / unit);
  return {units, parts < 1 ? 1 : parts, unit};
}

/// Blocks of depth -> slabs of at most `most` lanes, where the factor that is packed for all tasks has
/// `lanes` lanes a step.
ATTUNE_INLINE EvenSplit split_into_slabs(const EvenSplit& depths, std::int64_t lanes, std::int64_t most) {
  const std::int64_t block = lanes * depths.longest();
  const std::int64_t fit = block > 0 ? most / block : 1;
  return split_by(depths.parts, fit < 1 ? 1 : fit);
}

/// Panels -> tasks: groups of at most `most`, and small ones at the end, so that the threads end together:
/// the last task keeps the others waiting.
class Groups {
 public:
  ATTUNE_INLINE Groups(std::int64_t panels, std::int64_t most) {
    // A dozen tasks at least, if panels are that many.
    const std::int64_t fair = panels / 12;
    const std::int64_t large = fair < 1 ? 1 : (fair < most ? fair : most);
    first_small_ = 2 * large < panels ? panels - 2 * large : 0;
    if (first_small_ > 0) large_ = split_by(first_small_, large);
    small_ = split_by(panels - first_small_, large < 3 ? 1 : large / 3);
  }
  [[nodiscard]] ATTUNE_INLINE std::int64_t count() const { return large_.parts + small_.parts; }
  [[nodiscard]] ATTUNE_INLINE std::int64_t begin(std::int64_t group) const {
    return group < large_.parts ? large_.begin(group) : first_small_ + small_.begin(group - large_.parts);
  }
  /// The first of the groups at the end.
  [[nodiscard]] ATTUNE_INLINE std::int64_t first_small() const { return large_.parts; }
  /// Panels of the largest group.
  [[nodiscard]] ATTUNE_INLINE std::int64_t longest() const {
    return first_small_ > 0 ? large_.longest() : small_.longest();
  }

 private:
  std::int64_t first_small_ = 0;
  EvenSplit large_{0, 0};
  EvenSplit small_;
};

}  // namespace attune::cpu::ATTUNE_ISA
