// gather_rows: y[r] = x[rows[r]]; scatter_rows: dx[rows[r]] = dy[r], where dx is zero already. Bits are
// copied.

#include "kernels/cuda/gather_rows.h"

#include "kernels/cuda/elements.cuh"

namespace attune::cuda {
namespace {

template <class T>
__device__ inline void copy_row(const T* from, T* to, std::int64_t columns) {
  for_row<T>(columns, static_cast<int>(threadIdx.x), kCopyThreads, [&]<int N>(std::int64_t c, Count<N>) {
    using Access = typename AccessOf<kAccessBytes<N, T>>::Type;
    *reinterpret_cast<Access*>(to + c) = *reinterpret_cast<const Access*>(from + c);
  });
}

template <class T>
__device__ void gather_rows(const CopyRows& a) {
  const std::int64_t r = blockIdx.x;
  copy_row(static_cast<const T*>(a.from) + a.rows[r] * a.columns, static_cast<T*>(a.to) + r * a.columns,
           a.columns);
}

template <class T>
__device__ void scatter_rows(const CopyRows& a) {
  const std::int64_t r = blockIdx.x;
  copy_row(static_cast<const T*>(a.from) + r * a.columns, static_cast<T*>(a.to) + a.rows[r] * a.columns,
           a.columns);
}

ATTUNE_ENTRIES(gather_rows, CopyRows, kCopyThreads)
ATTUNE_ENTRIES(scatter_rows, CopyRows, kCopyThreads)

}  // namespace
}  // namespace attune::cuda
