#pragma once

// What follows a product: scale, bias, addend, what c has already, and rounding.

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/matrix_product.h"
#include "kernels/cuda/neighbours.cuh"

namespace attune::cuda {

/// c[row][column ...] of the sums of products. N is 4 only where c_quads says that all begins aligned.
template <class T, int N>
__device__ inline void finish(const MatrixProduct& a, int row, int column, Floats<N> value) {
  const auto add = [&](const Floats<N>& more) {
#pragma unroll
    for (int i = 0; i < N; ++i) value.v[i] += more.v[i];
  };
#pragma unroll
  for (int i = 0; i < N; ++i) value.v[i] *= a.scale;
  if (a.bias.data != nullptr) add(load<N>(a.bias, column));
  if (a.addend != nullptr)
    add(load_neighbours<N>(static_cast<const T*>(a.addend) + row * a.addend_stride + column));
  const std::int64_t at = row * a.c_stride + column;
  if (a.c_bf16) {
    store_neighbours<N>(static_cast<bf16*>(a.c) + at, value);
    return;
  }
  float* const c = static_cast<float*>(a.c) + at;
  if (a.accumulate) add(load_neighbours<N>(c));
  store_neighbours<N>(c, value);
}

/// Where the sums of a split go that others are added to.
__device__ inline float* partial_at(const MatrixProduct& a, int split, int row, int column) {
  return a.partials + (static_cast<std::int64_t>(split) * a.rows + row) * a.columns + column;
}

/// f(column, Count<N>) for the columns of a quad within c: at once, or one by one.
template <class F>
__device__ inline void for_quad(const MatrixProduct& a, int column, bool at_once, const F& f) {
  if (at_once && column + 4 <= a.columns) {
    f(column, Count<4>{});
  } else {
#pragma unroll 1
    for (int i = column; i < min(column + 4, a.columns); ++i) f(i, Count<1>{});
  }
}

/// A block's sums of four columns: finished, or kept for `product_finish`.
template <class T>
__device__ inline void put_quad(const MatrixProduct& a, int split, int row, int column, const float* sums) {
  const bool whole = a.partials == nullptr;
  for_quad(a, column, whole ? a.c_quads : a.columns % 4 == 0, [&]<int N>(int at, Count<N>) {
    const Floats<N> sum = load_neighbours<N>(sums + (at - column));
    if (whole) {
      finish<T, N>(a, row, at, sum);
    } else {
      store_neighbours<N>(partial_at(a, split, row, at), sum);
    }
  });
}

}  // namespace attune::cuda
