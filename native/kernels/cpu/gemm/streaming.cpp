// C (M, N) for M <= 4: packing B would cost more than the product, so each element of B is read once, where
// it lies, and meets all M rows. A is copied to scratch as float32 (M, depth) with alpha in it.
// Rows of B contiguous: sums of a few vectors of columns. Columns contiguous: four dot products at a time.

#include "kernels/cpu/gemm/streaming.h"

#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/gemm/epilogue.h"
#include "kernels/cpu/gemm/packing.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// Columns of one task: 512 bytes of each row of B are 8 cache lines in a row, and N = 768 still gives six
// tasks.
constexpr std::int64_t kColumns = 128;
// Columns that share one load of A: 4 chains of multiply-adds per row, as many as their latency wants at M
// = 1.
constexpr int kDots = 4;

/// sums[i * kColumns + j] += a (rows, depth) . column j of B, columns contiguous in memory.
template <int kRows, int kColumnsAtOnce, class T>
ATTUNE_INLINE void dot_columns(const float* a, std::int64_t a_stride, const T* b, std::int64_t b_stride,
                               std::int64_t depth, float* sums) {
  Vec sum[kRows][kColumnsAtOnce];
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kColumnsAtOnce; ++j) sum[i][j] = zero();
  }
  std::int64_t k = 0;
  for (; k + Vec::kWidth <= depth; k += Vec::kWidth) {
    Vec row[kRows];
#pragma GCC unroll 4
    for (int i = 0; i < kRows; ++i) row[i] = load(a + i * a_stride + k);
#pragma GCC unroll 4
    for (int j = 0; j < kColumnsAtOnce; ++j) {
      const Vec column = load(b + j * b_stride + k);
#pragma GCC unroll 4
      for (int i = 0; i < kRows; ++i) sum[i][j] = fma(row[i], column, sum[i][j]);
    }
  }
  if (k < depth) {
    const std::int64_t left = depth - k;
#pragma GCC unroll 4
    for (int j = 0; j < kColumnsAtOnce; ++j) {
      const Vec column = load_partial(b + j * b_stride + k, left);
#pragma GCC unroll 4
      for (int i = 0; i < kRows; ++i)
        sum[i][j] = fma(load_partial(a + i * a_stride + k, left), column, sum[i][j]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kColumnsAtOnce; ++j) sums[i * kColumns + j] += reduce_add(sum[i][j]);
  }
}

template <int kRows, class T>
void dot(const float* a, std::int64_t a_stride, const T* b, std::int64_t b_stride, std::int64_t depth,
         std::int64_t columns, float* sums) {
  std::int64_t j = 0;
  for (; j + kDots <= columns; j += kDots) {
    dot_columns<kRows, kDots>(a, a_stride, b + j * b_stride, b_stride, depth, sums + j);
  }
  for (; j < columns; ++j) dot_columns<kRows, 1>(a, a_stride, b + j * b_stride, b_stride, depth, sums + j);
}

/// The same with rows of B contiguous: kVectors vectors of columns at once.
template <int kRows, int kVectors, class T>
ATTUNE_INLINE void add_scaled_rows(const float* a, std::int64_t a_stride, const T* b, std::int64_t b_stride,
                                   std::int64_t depth, std::int64_t columns, float* sums) {
  Vec sum[kRows][kVectors];
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sum[i][v] = zero();
  }
  const bool whole = columns >= kVectors * Vec::kWidth;
  for (std::int64_t k = 0; k < depth; ++k) {
    const T* from = b + k * b_stride;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const Vec row = whole ? load(from + v * Vec::kWidth) : load_partial(from + v * Vec::kWidth, columns);
#pragma GCC unroll 4
      for (int i = 0; i < kRows; ++i) sum[i][v] = fma(broadcast(a[i * a_stride + k]), row, sum[i][v]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      float* out = sums + i * kColumns + v * Vec::kWidth;
      store(out, load(out) + sum[i][v]);
    }
  }
}

template <int kRows, class T>
void add_scaled(const float* a, std::int64_t a_stride, const T* b, std::int64_t b_stride, std::int64_t depth,
                std::int64_t columns, float* sums) {
  std::int64_t j = 0;
  for (; j + 4 * Vec::kWidth <= columns; j += 4 * Vec::kWidth) {
    add_scaled_rows<kRows, 4>(a, a_stride, b + j, b_stride, depth, columns - j, sums + j);
  }
  for (; j < columns; j += Vec::kWidth) {
    add_scaled_rows<kRows, 1>(a, a_stride, b + j, b_stride, depth, columns - j, sums + j);
  }
}

template <class T>
void add_strided(const float* a, std::int64_t a_stride, std::int64_t rows, const T* b, const Matrix& matrix,
                 std::int64_t depth, std::int64_t columns, float* sums) {
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      float sum = 0.0F;
      for (std::int64_t k = 0; k < depth; ++k) {
        sum += a[i * a_stride + k] * to_float(b[k * matrix.row_stride + j * matrix.column_stride]);
      }
      sums[i * kColumns + j] += sum;
    }
  }
}

template <int kRows, class T>
void add_product(const Product& product, const float* a, std::int64_t a_stride, std::int64_t column,
                 std::int64_t columns, float* sums) {
  const Matrix& b = product.b;
  const T* from = static_cast<const T*>(b.data) + column * b.column_stride;
  if (b.row_stride == 1) {
    dot<kRows>(a, a_stride, from, b.column_stride, product.depth, columns, sums);
  } else if (b.column_stride == 1) {
    add_scaled<kRows>(a, a_stride, from, b.row_stride, product.depth, columns, sums);
  } else {
    add_strided(a, a_stride, kRows, from, b, product.depth, columns, sums);
  }
}

template <int kRows>
void add_product(const Product& product, const float* a, std::int64_t a_stride, std::int64_t column,
                 std::int64_t columns, float* sums) {
  if (product.b.dtype == DType::bf16) {
    add_product<kRows, bfloat16>(product, a, a_stride, column, columns, sums);
  } else {
    add_product<kRows, float>(product, a, a_stride, column, columns, sums);
  }
}

using AddProduct = void (*)(const Product&, const float*, std::int64_t, std::int64_t, std::int64_t, float*);
constexpr AddProduct kAddProduct[kStreamingRows] = {add_product<1>, add_product<2>, add_product<3>,
                                                    add_product<4>};

}  // namespace

std::size_t streaming_scratch(const Gemm& gemm) {
  return static_cast<std::size_t>(gemm.rows * total_depth(gemm, Lane::f32)) * sizeof(float);
}

void streaming_gemm(ThreadPool& pool, std::byte* scratch, const Gemm& gemm) {
  float* a = reinterpret_cast<float*>(scratch);
  const std::int64_t depth = total_depth(gemm, Lane::f32);
  for (std::int64_t i = 0; i < gemm.rows; ++i) pack_a(gemm, Lane::f32, {0, depth}, i, 1, a + i * depth);

  pool.run(ceil_divide(gemm.columns, kColumns), [&](std::int64_t task, int /*thread*/) {
    const std::int64_t column = task * kColumns;
    const std::int64_t left = gemm.columns - column;
    const Rectangle place{0, column, gemm.rows, left < kColumns ? left : kColumns};
    alignas(64) float sums[kStreamingRows * kColumns] = {};
    std::int64_t before = 0;
    for (int p = 0; p < gemm.product_count; ++p) {
      const Product& product = gemm.products[p];
      kAddProduct[gemm.rows - 1](product, a + before, depth, column, place.columns, sums);
      before += product.depth;
    }
    add_terms(gemm, place, sums, kColumns);
    write_c(gemm, place, sums, kColumns);
  });
}

}  // namespace attune::cpu::ATTUNE_ISA
