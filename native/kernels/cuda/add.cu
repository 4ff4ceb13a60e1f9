// add: y = a + b; accumulate_gradient: y (f32) = dx, or y += dx. See kernels/cpu/add.cpp.

#include "kernels/cuda/add.h"

#include "kernels/cuda/elements.cuh"

namespace attune::cuda {
namespace {

template <class T>
__device__ void add(const Add& a) {
  for_pack<T>(a.count, [&]<int N>(std::int64_t i, Count<N>) {
    Floats<N> sum = load<N>(static_cast<const T*>(a.a) + i);
    const Floats<N> more = load<N>(static_cast<const T*>(a.b) + i);
    for (int j = 0; j < N; ++j) sum.v[j] += more.v[j];
    store<N>(static_cast<T*>(a.y) + i, sum);
  });
}

template <class T>
__device__ void accumulate_gradient(const AccumulateGradient& a) {
  for_pack<T>(a.count, [&]<int N>(std::int64_t i, Count<N>) {
    Floats<N> sum = load<N>(static_cast<const T*>(a.dx) + i);
    if (a.accumulate) {
      const Floats<N> there = load<N>(a.y + i);
      for (int j = 0; j < N; ++j) sum.v[j] += there.v[j];
    }
    store<N>(a.y + i, sum);
  });
}

ATTUNE_ENTRIES(add, Add, kPackThreads)
ATTUNE_ENTRIES(accumulate_gradient, AccumulateGradient, kPackThreads)

}  // namespace
}  // namespace attune::cuda
