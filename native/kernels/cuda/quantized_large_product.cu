// Products in tiles of 128 x 128 by weights held in fewer bits: see tiled_product.cuh and quantized_tile.cuh.

#include "kernels/cuda/tiled_product.cuh"

namespace attune::cuda {
namespace {

template <class T>
__device__ void quantized_product_large(const MatrixProduct& a) {
  multiply<T, kLargeTile, true, true>(a);
}

ATTUNE_PRODUCT_ENTRIES(quantized_product_large, kLargeTile)

}  // namespace
}  // namespace attune::cuda
