#pragma once

// Rows scaled to length 1, and the gradient through that. A warp has a row.

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {

/// What a row is multiplied by to have length 1; 1 / eps for shorter rows than eps.
template <class T>
__device__ inline float unit_factor(const T* x, std::int64_t columns, float eps) {
  float squares = 0.0F;
  for_row<T>(columns, lane_id(), kWarp, [&]<int N>(std::int64_t c, Count<N>) {
    const Floats<N> values = load<N>(x + c);
    for (const float v : values.v) squares += v * v;
  });
  return 1.0F / fmaxf(sqrtf(warp_sum(squares)), eps);
}

/// dx = f (d - u (u . d)) with u = f x, f the row's factor: what arrives at u as a gradient of x. Rows
/// shorter than eps have dx = f d. dx may take d's place where their types are one.
template <class D, class T>
__device__ inline void unit_row_gradient(const D* d, const T* x, float factor, float eps, T* dx,
                                         std::int64_t columns) {
  float product = 0.0F;
  for_row<T>(columns, lane_id(), kWarp, [&]<int N>(std::int64_t c, Count<N>) {
    const Floats<N> gradient = load<N>(d + c);
    const Floats<N> values = load<N>(x + c);
    for (int j = 0; j < N; ++j) product += gradient.v[j] * values.v[j];
  });
  const float along = factor * eps < 1.0F ? factor * factor * warp_sum(product) : 0.0F;
  for_row<T>(columns, lane_id(), kWarp, [&]<int N>(std::int64_t c, Count<N>) {
    Floats<N> gradient = load<N>(d + c);
    const Floats<N> values = load<N>(x + c);
    for (int j = 0; j < N; ++j) gradient.v[j] = factor * (gradient.v[j] - along * values.v[j]);
    store<N>(dx + c, gradient);
  });
}

}  // namespace attune::cuda
