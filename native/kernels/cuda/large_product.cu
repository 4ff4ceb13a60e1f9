// Products in tiles of 128 x 128: see tiled_product.cuh. Apart where the left factor is stored transposed, as
// in gradients of weights.

#include "kernels/cuda/tiled_product.cuh"

namespace attune::cuda {
namespace {

template <class T>
__device__ void product_large(const MatrixProduct& a) {
  multiply<T, kLargeTile, true, false>(a);
}

template <class T>
__device__ void product_large_transposed(const MatrixProduct& a) {
  multiply<T, kLargeTile, false, false>(a);
}

ATTUNE_PRODUCT_ENTRIES(product_large, kLargeTile)
ATTUNE_PRODUCT_ENTRIES(product_large_transposed, kLargeTile)

}  // namespace
}  // namespace attune::cuda
