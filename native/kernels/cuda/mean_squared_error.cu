// mean_squared_error: row_loss[r] = sum_c (predictions - targets)^2, dpredictions = 2 loss_scale (predictions
// - targets). A warp has a row.

#include "kernels/cuda/mean_squared_error.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {
namespace {

template <class T>
__device__ void mean_squared_error(const MeanSquaredError& a) {
  const std::int64_t r = warp_of_grid();
  if (r >= a.rows) return;
  const T* const predictions = static_cast<const T*>(a.predictions) + r * a.columns;
  const float* const targets = a.targets + r * a.columns;
  T* const gradient = a.dpredictions == nullptr ? nullptr : static_cast<T*>(a.dpredictions) + r * a.columns;
  const float slope = 2.0F * *a.scale;
  float sum = 0.0F;
  for_row<T>(a.columns, lane_id(), kWarp, [&]<int N>(std::int64_t c, Count<N>) {
    Floats<N> error = load<N>(predictions + c);
    const Floats<N> target = load<N>(targets + c);
    for (int j = 0; j < N; ++j) {
      error.v[j] -= target.v[j];
      sum += error.v[j] * error.v[j];
      error.v[j] *= slope;
    }
    if (gradient != nullptr) store<N>(gradient + c, error);
  });
  sum = warp_sum(sum);
  if (lane_id() == 0) a.row_loss[r] = sum;
}

ATTUNE_ENTRIES(mean_squared_error, MeanSquaredError, kMeanSquaredErrorThreads)

}  // namespace
}  // namespace attune::cuda
