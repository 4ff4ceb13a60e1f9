// Products in tiles of 64 x 64: see tiled_product.cuh. Apart where the left factor is stored transposed, as
// in gradients of weights.

#include "kernels/cuda/tiled_product.cuh"

namespace attune::cuda {
namespace {

template <class T>
__device__ void product_small(const MatrixProduct& a) {
  multiply<T, kSmallTile, true, false>(a);
}

template <class T>
__device__ void product_small_transposed(const MatrixProduct& a) {
  multiply<T, kSmallTile, false, false>(a);
}

ATTUNE_PRODUCT_ENTRIES(product_small, kSmallTile)
ATTUNE_PRODUCT_ENTRIES(product_small_transposed, kSmallTile)

}  // namespace
}  // namespace attune::cuda
