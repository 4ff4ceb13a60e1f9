// sums (rows, columns) += bias (N) + addend (M, N) + C (M, N), and C = sums rounded to C's type.
// sums: float32, row-major with a stride of its own. bias, addend, C: float32 or bfloat16.
// The one place where the product loses precision: a bfloat16 C is written.

#include "kernels/cpu/gemm/epilogue.h"

#include "kernels/cpu/activation_functions.h"
#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/lanes.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

template <class Lanes>
ATTUNE_INLINE Vec load_as(const void* data, DType dtype, std::int64_t at, Lanes lanes) {
  return dtype == DType::bf16 ? load(static_cast<const bfloat16*>(data) + at, lanes)
                              : load(static_cast<const float*>(data) + at, lanes);
}
template <class Lanes>
ATTUNE_INLINE void store_as(void* data, DType dtype, std::int64_t at, Vec values, Lanes lanes) {
  if (dtype == DType::bf16) {
    store(static_cast<bfloat16*>(data) + at, values, lanes);
  } else {
    store(static_cast<float*>(data) + at, values, lanes);
  }
}

/// Every line of the cache that rows of one tile have. Inlined: GCC takes a function that does nothing but
/// prefetch for one without effects, and leaves its calls out.
ATTUNE_INLINE void bring_rows_closer(const void* data, DType dtype, std::int64_t stride,
                                     const Rectangle& place) {
  const auto size = static_cast<std::int64_t>(size_of(dtype));
  constexpr std::int64_t kLine = 64;
  const std::int64_t last = place.columns * size - 1;
  const char* row = static_cast<const char*>(data) + (place.row * stride + place.column) * size;
  for (std::int64_t i = 0; i < place.rows; ++i, row += stride * size) {
    for (std::int64_t at = 0; at < last; at += kLine) prefetch(row + at);
    prefetch(row + last);
  }
}

/// The usual case, without a question at each vector: a whole tile, all of it float32.
template <bool kBias, bool kAddend>
void finish_floats(const Gemm& gemm, const Rectangle& place, const float* sums, std::int64_t stride) {
  const float* const bias = static_cast<const float*>(gemm.bias.data) + (kBias ? place.column : 0);
  const float* addend = static_cast<const float*>(gemm.addend.data);
  if constexpr (kAddend) addend += place.row * gemm.addend.row_stride + place.column;
  float* c = static_cast<float*>(gemm.c) + place.row * gemm.c_stride + place.column;
  for (std::int64_t i = 0; i < place.rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kTileColumns; j += Vec::kWidth) {
      Vec sum = load(sums + i * stride + j);
      if constexpr (kBias) sum = sum + load(bias + j);
      if constexpr (kAddend) sum = sum + load(addend + i * gemm.addend.row_stride + j);
      store(c + i * gemm.c_stride + j, sum);
    }
  }
}

bool finish_floats(const Gemm& gemm, const Rectangle& place, Finish what, const float* sums,
                   std::int64_t stride) {
  if (!what.terms || !what.write || gemm.accumulate || place.columns != kTileColumns) return false;
  if (gemm.c_dtype != DType::f32 || gemm.bias.dtype != DType::f32 || gemm.addend.dtype != DType::f32)
    return false;
  const bool biased = gemm.bias.data != nullptr;
  if (biased && gemm.addend.data != nullptr) {
    finish_floats<true, true>(gemm, place, sums, stride);
  } else if (biased) {
    finish_floats<true, false>(gemm, place, sums, stride);
  } else if (gemm.addend.data != nullptr) {
    finish_floats<false, true>(gemm, place, sums, stride);
  } else {
    return false;
  }
  return true;
}

/// C (+)= the sums, where C^T lies in its place.
void write_turned(const Gemm& gemm, const Rectangle& place, const float* sums, std::int64_t stride) {
  for (std::int64_t j = 0; j < place.columns; ++j) {
    float* const out = static_cast<float*>(gemm.c) + (place.column + j) * gemm.c_stride + place.row;
    for (std::int64_t i = 0; i < place.rows; ++i)
      out[i] = gemm.accumulate ? out[i] + sums[i * stride + j] : sums[i * stride + j];
  }
}

void activate(const Gemm& gemm, const Rectangle& place) {
  with_kind(*gemm.activation, [&]<class F>(F) {
    for (std::int64_t i = 0; i < place.rows; ++i) {
      const std::int64_t at = (place.row + i) * gemm.c_stride + place.column;
      for_vectors(place.columns, [&](std::int64_t j, auto lanes) {
        store_as(gemm.activated, gemm.c_dtype, at + j, F::value(load_as(gemm.c, gemm.c_dtype, at + j, lanes)),
                 lanes);
      });
    }
  });
}

void add_and_write(const Gemm& gemm, const Rectangle& place, Finish what, float* sums, std::int64_t stride) {
  if (gemm.c_turned) {
    if (what.write) write_turned(gemm, place, sums, stride);
    return;
  }
  if (finish_floats(gemm, place, what, sums, stride)) return;
  const Matrix& bias = gemm.bias;
  const Matrix& addend = gemm.addend;
  for (std::int64_t i = 0; i < place.rows; ++i) {
    float* const row = sums + i * stride;
    const std::int64_t at_c = (place.row + i) * gemm.c_stride + place.column;
    const std::int64_t at_addend = (place.row + i) * addend.row_stride + place.column;
    for_vectors(place.columns, [&](std::int64_t j, auto lanes) {
      Vec sum = load(row + j, lanes);
      if (what.terms) {
        if (bias.data != nullptr) sum = sum + load_as(bias.data, bias.dtype, place.column + j, lanes);
        if (addend.data != nullptr) sum = sum + load_as(addend.data, addend.dtype, at_addend + j, lanes);
        if (gemm.accumulate) sum = sum + load_as(gemm.c, gemm.c_dtype, at_c + j, lanes);
      }
      if (what.write) {
        store_as(gemm.c, gemm.c_dtype, at_c + j, sum, lanes);
      } else {
        store(row + j, sum, lanes);
      }
    });
  }
}

}  // namespace

void bring_closer(const Gemm& gemm, const Rectangle& place, Finish what) {
  if (gemm.c_turned) return;
  if (what.terms && gemm.addend.data != nullptr)
    bring_rows_closer(gemm.addend.data, gemm.addend.dtype, gemm.addend.row_stride, place);
  bring_rows_closer(gemm.c, gemm.c_dtype, gemm.c_stride, place);
  if (what.activate) bring_rows_closer(gemm.activated, gemm.c_dtype, gemm.c_stride, place);
}

void finish(const Gemm& gemm, const Rectangle& place, Finish what, float* sums, std::int64_t stride) {
  if (what.terms || what.write) add_and_write(gemm, place, what, sums, stride);
  if (what.activate) activate(gemm, place);
}

}  // namespace attune::cpu::ATTUNE_ISA
