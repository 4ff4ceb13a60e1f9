// replace_columns: out = y, but column ids[i] is column rows[i] of z; plus bias. replace_columns_backward: dy
// = d, 0 in the columns ids[i]; dz column rows[i] = d column ids[i]. y, out, d, dy (T, V); z, dz (T, K). All
// but the few columns is copied before.

#include "kernels/cuda/replace_columns.h"

#include "kernels/cuda/elements.cuh"

namespace attune::cuda {
namespace {

/// A thread has a pack of columns of every so many-th row.
template <class T>
__device__ void add_bias(const AddBias& a) {
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * kPackThreads + threadIdx.x;
  for_pack_of_row<T>(a.columns, thread, a.columns % kPack<T> == 0, [&]<int N>(std::int64_t c, Count<N>) {
    const Floats<N> bias = load<N>(a.bias, c);
    for (std::int64_t row = blockIdx.y; row < a.rows; row += gridDim.y) {
      Floats<N> values = load<N>(static_cast<const T*>(a.from) + row * a.columns + c);
#pragma unroll
      for (int j = 0; j < N; ++j) values.v[j] += bias.v[j];
      store<N>(static_cast<T*>(a.to) + row * a.columns + c, values);
    }
  });
}

/// f(id, row of tokens) for the column of this thread and every so many-th row: where they are in the table
/// and apart.
template <class F>
__device__ inline void for_replaced(const ReplaceColumns& a, const F& f) {
  const auto i = static_cast<std::int32_t>(blockIdx.x * kReplaceThreads + threadIdx.x);
  if (i >= a.tokens.count) return;
  const std::int32_t id = a.tokens.ids[i];
  for (std::int64_t row = blockIdx.y; row < a.rows; row += gridDim.y)
    f(id, row * a.columns + id, row * a.tokens.count + a.tokens.rows[i]);
}

template <class T>
__device__ void replace_columns(const ReplaceColumns& a) {
  for_replaced(a, [&](std::int32_t id, std::int64_t at, std::int64_t at_apart) {
    const float bias = a.bias.data == nullptr ? 0.0F : element(a.bias, id);
    static_cast<T*>(a.table)[at] = from_float<T>(to_float(static_cast<const T*>(a.apart)[at_apart]) + bias);
  });
}

template <class T>
__device__ void replace_columns_backward(const ReplaceColumns& a) {
  for_replaced(a, [&](std::int32_t, std::int64_t at, std::int64_t at_apart) {
    static_cast<T*>(a.apart)[at_apart] = static_cast<const T*>(a.gradient)[at];
    static_cast<T*>(a.table)[at] = from_float<T>(0.0F);
  });
}

ATTUNE_ENTRIES(add_bias, AddBias, kPackThreads)
ATTUNE_ENTRIES(replace_columns, ReplaceColumns, kReplaceThreads)
ATTUNE_ENTRIES(replace_columns_backward, ReplaceColumns, kReplaceThreads)

}  // namespace
}  // namespace attune::cuda
