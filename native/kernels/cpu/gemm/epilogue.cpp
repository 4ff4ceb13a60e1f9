// sums (rows, columns) += bias (N) + addend (M, N) + C (M, N), and C = sums rounded to C's type.
// sums: float32, row-major with a stride of its own. bias, addend, C: float32 or bfloat16.
// The one place where the product loses precision: write_c with a bfloat16 C.

#include "kernels/cpu/gemm/epilogue.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

template <class T>
void add_row(float* sums, const T* terms, std::int64_t count) {
  std::int64_t j = 0;
  for (; j + Vec::kWidth <= count; j += Vec::kWidth) store(sums + j, load(sums + j) + load(terms + j));
  if (j < count) {
    const std::int64_t left = count - j;
    store_partial(sums + j, load_partial(sums + j, left) + load_partial(terms + j, left), left);
  }
}

void add_row(float* sums, const void* data, DType dtype, std::int64_t offset, std::int64_t count) {
  if (dtype == DType::bf16) {
    add_row(sums, static_cast<const bfloat16*>(data) + offset, count);
  } else {
    add_row(sums, static_cast<const float*>(data) + offset, count);
  }
}

template <class T>
void write_row(T* out, const float* sums, std::int64_t count) {
  std::int64_t j = 0;
  for (; j + Vec::kWidth <= count; j += Vec::kWidth) store(out + j, load(sums + j));
  if (j < count) store_partial(out + j, load_partial(sums + j, count - j), count - j);
}

}  // namespace

void add_terms(const Gemm& gemm, const Rectangle& place, float* sums, std::int64_t stride) {
  for (std::int64_t i = 0; i < place.rows; ++i) {
    float* row = sums + i * stride;
    const std::int64_t at = place.row + i;
    if (gemm.bias.data != nullptr) add_row(row, gemm.bias.data, gemm.bias.dtype, place.column, place.columns);
    if (gemm.addend.data != nullptr) {
      add_row(row, gemm.addend.data, gemm.addend.dtype, at * gemm.addend.row_stride + place.column,
              place.columns);
    }
    if (gemm.accumulate) add_row(row, gemm.c, gemm.c_dtype, at * gemm.c_stride + place.column, place.columns);
  }
}

void write_c(const Gemm& gemm, const Rectangle& place, const float* sums, std::int64_t stride) {
  for (std::int64_t i = 0; i < place.rows; ++i) {
    const std::int64_t offset = (place.row + i) * gemm.c_stride + place.column;
    if (gemm.c_dtype == DType::bf16) {
      write_row(static_cast<bfloat16*>(gemm.c) + offset, sums + i * stride, place.columns);
    } else {
      write_row(static_cast<float*>(gemm.c) + offset, sums + i * stride, place.columns);
    }
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
