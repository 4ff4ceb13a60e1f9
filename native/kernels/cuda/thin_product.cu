// Products of at most 16 rows: see thin_product.cuh.

#include "kernels/cuda/thin_product.cuh"

namespace attune::cuda {
namespace {

template <class T>
__device__ void product_thin(const MatrixProduct& a) {
  multiply_thin<T, false>(a);
}

ATTUNE_ENTRIES(product_thin, MatrixProduct, kThinThreads)

}  // namespace
}  // namespace attune::cuda
