#include "kernels/cpu/gemm/micro_tile.h"

namespace attune::cpu::ATTUNE_ISA {

MicroTiles::MicroTiles(const Block& block)
    :
#if defined(ATTUNE_AMX)
      configuration_(block.lane == Lane::bf16_pair),
#endif
      block_(block),
      kernels_(&microkernels(block.lane, Operands::packed, false)),
      kernels_that_bring_(&microkernels(block.lane, Operands::packed, true)),
      kernels_where_it_lies_(&microkernels(block.lane, choose_operands(block.gemm, block.lane), false)),
      add_(!block.first()) {
  const Gemm& gemm = block.gemm;
  const bool beside = gemm.bias.data != nullptr || gemm.addend.data != nullptr;
  finish_ = {.terms = block.first() && (beside || gemm.accumulate),
             .write = block.last,
             .activate = block.last && gemm.activation.has_value()};
  if (c_holds_sums(gemm)) {
    if (finish_.terms && !beside) {  // C alone is added to: the sums' own way back does it
      add_ = true;
      finish_.terms = false;
    }
    finish_.write = finish_.terms;
    if (!finish_.terms) {
      sums_ = static_cast<float*>(gemm.c) + block.row * gemm.c_stride + block.column;
      stride_ = gemm.c_stride;
    }
  } else if (block.sums != nullptr) {
    sums_ = block.sums;
    stride_ = block.columns;
  }
}

void MicroTiles::make_and_finish(const RowPanel& a, const ColumnPanel& b, const float* ahead) const {
  const Rectangle place{block_.row + a.row, block_.column + b.column, a.rows, b.columns};
  bring_closer(block_.gemm, place, finish_);
  alignas(64) float tile[kMostRows * kTileColumns];
  float* const sums = sums_ == nullptr ? tile : sums_ + a.row * stride_ + b.column;
  const std::int64_t stride = sums_ == nullptr ? kTileColumns : stride_;
  multiply(a, b, ahead, sums, stride);
  finish(block_.gemm, place, finish_, sums, stride);
}

}  // namespace attune::cpu::ATTUNE_ISA
