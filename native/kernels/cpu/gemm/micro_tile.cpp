#include "kernels/cpu/gemm/micro_tile.h"

#include "kernels/cpu/gemm/epilogue.h"
#include "kernels/cpu/gemm/microkernel.h"

namespace attune::cpu::ATTUNE_ISA {

void micro_tile(const Block& block, const RowPanel& a, const ColumnPanel& b, const float* ahead) {
  const Gemm& gemm = block.gemm;
  const Rectangle place{block.row + a.row, block.column + b.column, a.rows, b.columns};
  const bool beside = gemm.bias.data != nullptr || gemm.addend.data != nullptr;
  bool add = !block.first();
  Finish what{block.first() && (beside || gemm.accumulate), block.last};

  alignas(64) float tile[kTileRows * kTileColumns];
  float* sums = tile;
  std::int64_t stride = kTileColumns;
  if (gemm.c_dtype == DType::f32) {
    if (what.terms && !beside) {  // C alone is added to: the sums' own way back does it
      add = true;
      what.terms = false;
    }
    what.write = what.terms;
    if (!what.terms) {
      sums = static_cast<float*>(gemm.c) + place.row * gemm.c_stride + place.column;
      stride = gemm.c_stride;
    }
  } else if (block.sums != nullptr) {
    sums = block.sums + a.row * block.columns + b.column;
    stride = block.columns;
  }
  if (what.terms || what.write) bring_closer(gemm, place);
  const Operands operands = a.stride != 0   ? Operands::a_where_it_lies
                            : b.stride != 0 ? Operands::b_where_it_lies
                                            : Operands::packed;
  const MicroKernel multiply =
      microkernel(block.lane, operands, ahead != nullptr, a.rows, ceil_divide(b.columns, Vec::kWidth));
  multiply(block.depth.size(), a.data, a.stride, b.data, b.stride, sums, stride, b.columns, add, ahead);
  if (what.terms || what.write) finish(gemm, place, what, sums, stride);
}

}  // namespace attune::cpu::ATTUNE_ISA
