// Products of at most 16 rows by weights held in fewer bits: see thin_product.cuh.

#include "kernels/cuda/thin_product.cuh"

namespace attune::cuda {
namespace {

template <class T>
__device__ void quantized_product_thin(const MatrixProduct& a) {
  multiply_thin<T, true>(a);
}

ATTUNE_ENTRIES(quantized_product_thin, MatrixProduct, kThinThreads)

}  // namespace
}  // namespace attune::cuda
