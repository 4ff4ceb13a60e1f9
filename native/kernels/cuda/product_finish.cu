// The sums of a product whose depth was split over blocks, in order, and what follows a product. See
// matrix_product.h.

#include "kernels/cuda/product_epilogue.cuh"

namespace attune::cuda {
namespace {

/// A thread has four columns.
template <class T>
__device__ void product_finish(const MatrixProduct& a) {
  const int quads = (a.columns + 3) / 4;
  const std::int64_t mine = static_cast<std::int64_t>(blockIdx.x) * kFinishThreads + threadIdx.x;
  if (mine >= static_cast<std::int64_t>(a.rows) * quads) return;
  const int row = static_cast<int>(mine / quads);
  for_quad(a, static_cast<int>(mine % quads) * 4, a.c_quads && a.columns % 4 == 0,
           [&]<int N>(int column, Count<N>) {
             Floats<N> sum{};
             for (int split = 0; split < a.splits; ++split) {
               const Floats<N> part = load_neighbours<N>(partial_at(a, split, row, column));
#pragma unroll
               for (int i = 0; i < N; ++i) sum.v[i] += part.v[i];
             }
             finish<T, N>(a, row, column, sum);
           });
}

ATTUNE_ENTRIES(product_finish, MatrixProduct, kFinishThreads)

}  // namespace
}  // namespace attune::cuda
