// Products in tiles of 128 x 128 by weights held in fewer bits: see tiled_product.cuh and quantized_tile.cuh.

#include "kernels/cuda/tiled_product.cuh"

namespace attune::cuda {
namespace {

template <class T>
__device__ void quantized_product_large(const MatrixProduct& a) {
  multiply<T, kLargeTile, true, true>(a);
}

// Codes on their way take more than the 128 registers of two blocks.
ATTUNE_PRODUCT_ENTRIES(quantized_product_large, kProductThreads<kLargeTile>, 1)

}  // namespace
}  // namespace attune::cuda
