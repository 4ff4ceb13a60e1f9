#pragma once

// Rows scaled to length 1, and the gradient through that.

#include "kernels/cpu/launch.h"

namespace attune::cpu::ATTUNE_ISA {

/// sum a[i] b[i], in an order that n alone fixes.
template <class A, class B>
float row_product(const A* a, const B* b, std::int64_t n) {
  return sum_of(n, [&](std::int64_t i, auto lanes) { return load(a + i, lanes) * load(b + i, lanes); });
}

/// What a row is multiplied by to have length 1; 1 / eps for shorter rows than eps.
template <class T>
float unit_factor(const T* x, std::int64_t n, float eps) {
  const float norm = __builtin_sqrtf(row_product(x, x, n));
  return 1.0F / (norm < eps ? eps : norm);
}

/// dx = f (d - u (u . d)) with u = f x, f the row's factor: what arrives at u as a gradient of x. Rows
/// shorter than eps have dx = f d.
template <class D, class T>
void unit_row_gradient(const D* d, const T* x, float factor, float eps, T* dx, std::int64_t n) {
  const float along = factor * eps < 1.0F ? factor * factor * row_product(d, x, n) : 0.0F;
  for_vectors(n, [&](std::int64_t i, auto lanes) {
    const Vec rest = fnma(broadcast(along), load(x + i, lanes), load(d + i, lanes));
    store(dx + i, broadcast(factor) * rest, lanes);
  });
}

}  // namespace attune::cpu::ATTUNE_ISA
