// l2_normalize: y = x / max(|x|, eps), row by row; l2_normalize_backward: dx = (dy - y (y . dy)) / |x|, and
// dy / eps where |x| < eps. The backward makes the norm again.

#include "kernels/cuda/l2_normalize.h"

#include "kernels/cuda/unit_rows.cuh"

namespace attune::cuda {
namespace {

template <class T>
__device__ void l2_normalize(const L2Normalize& a) {
  const std::int64_t row = warp_of_grid();
  if (row >= a.rows) return;
  const T* const x = static_cast<const T*>(a.x) + row * a.columns;
  T* const y = static_cast<T*>(a.y) + row * a.columns;
  const float factor = unit_factor(x, a.columns, a.eps);
  for_row<T>(a.columns, lane_id(), kWarp, [&]<int N>(std::int64_t c, Count<N>) {
    Floats<N> values = load<N>(x + c);
    for (float& v : values.v) v *= factor;
    store<N>(y + c, values);
  });
}

template <class T>
__device__ void l2_normalize_backward(const L2NormalizeBackward& a) {
  const std::int64_t row = warp_of_grid();
  if (row >= a.rows) return;
  const std::int64_t at = row * a.columns;
  const T* const x = static_cast<const T*>(a.x) + at;
  unit_row_gradient(static_cast<const T*>(a.dy) + at, x, unit_factor(x, a.columns, a.eps), a.eps,
                    static_cast<T*>(a.dx) + at, a.columns);
}

ATTUNE_ENTRIES(l2_normalize, L2Normalize, kUnitRowThreads)
ATTUNE_ENTRIES(l2_normalize_backward, L2NormalizeBackward, kUnitRowThreads)

}  // namespace
}  // namespace attune::cuda
