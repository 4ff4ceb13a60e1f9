// scale: y = factor x; y may be x. See kernels/cpu/scale.cpp.

#include "kernels/cuda/scale.h"

#include "kernels/cuda/elements.cuh"

namespace attune::cuda {
namespace {

template <class T>
__device__ void scale(const Scale& a) {
  for_pack<T>(a.count, [&]<int N>(std::int64_t i, Count<N>) {
    Floats<N> values = load<N>(static_cast<const T*>(a.x) + i);
    for (float& v : values.v) v *= a.factor;
    store<N>(static_cast<T*>(a.y) + i, values);
  });
}

ATTUNE_ENTRIES(scale, Scale, kPackThreads)

}  // namespace
}  // namespace attune::cuda
