// Products in tiles of 64 x 64 by weights held in fewer bits: see tiled_product.cuh and quantized_tile.cuh.

#include "kernels/cuda/tiled_product.cuh"

namespace attune::cuda {
namespace {

template <class T>
__device__ void quantized_product_small(const MatrixProduct& a) {
  multiply<T, kSmallTile, true, true>(a);
}

ATTUNE_PRODUCT_ENTRIES(quantized_product_small, kSmallTile)

}  // namespace
}  // namespace attune::cuda
