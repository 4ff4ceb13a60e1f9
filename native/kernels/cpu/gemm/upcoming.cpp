#include "kernels/cpu/gemm/upcoming.h"

namespace attune::cpu::ATTUNE_ISA {

// More at once than the first level can wait for would hold up the multiplication.
constexpr std::int64_t kMostLines = 8;

Upcoming::Upcoming(const Gemm& gemm, Lane lane, DepthRange depth, std::int64_t column, std::int64_t columns,
                   std::int64_t times) {
  const Product& product = gemm.products[0];
  const Matrix& b = product.b;
  const std::int64_t unit = lane == Lane::bf16_pair ? 2 : 1;
  const std::int64_t begin = depth.begin * unit;
  const std::int64_t end = depth.end * unit < product.depth ? depth.end * unit : product.depth;
  if (begin >= end || (b.dtype != DType::f32 && b.dtype != DType::bf16)) return;
  const auto size = static_cast<std::int64_t>(size_of(b.dtype));
  const bool across = b.column_stride == 1;
  run_ = static_cast<const char*>(b.data) + (begin * b.row_stride + column * b.column_stride) * size;
  bytes_ = (across ? columns : end - begin) * size;
  stride_ = (across ? b.row_stride : b.column_stride) * size;
  runs_ = across ? end - begin : columns;
  const std::int64_t wanted = ceil_divide(runs_ * ceil_divide(bytes_, kLineBytes), times);
  share_ = wanted < kMostLines ? wanted : kMostLines;
}

}  // namespace attune::cpu::ATTUNE_ISA
