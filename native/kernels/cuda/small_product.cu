// Products in tiles of 64 x 64: see tiled_product.cuh. Apart where the left factor is stored transposed, as
// in gradients of weights.

#include "kernels/cuda/tiled_product.cuh"

namespace attune::cuda {
namespace {

template <class T>
__device__ void product_small(const MatrixProduct& a) {
  multiply<T, kSmallTile, true>(a);
}

template <class T>
__device__ void product_small_transposed(const MatrixProduct& a) {
  multiply<T, kSmallTile, false>(a);
}

ATTUNE_ENTRIES(product_small, MatrixProduct, kProductThreads<kSmallTile>)
ATTUNE_ENTRIES(product_small_transposed, MatrixProduct, kProductThreads<kSmallTile>)

}  // namespace
}  // namespace attune::cuda
