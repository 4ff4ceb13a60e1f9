// rms_norm: see kernels/cpu/rms_norm.cpp for the formulas. A warp has a row (a group of one).

#include "kernels/cuda/rms_norm.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {
namespace {

template <class T>
__device__ void rms_norm_forward(const RmsNormForward& a) {
  const std::int64_t row = warp_of_grid();
  if (row >= a.rows) return;
  const T* const x = static_cast<const T*>(a.x) + row * a.columns;
  T* const y = static_cast<T*>(a.y) + row * a.columns;
  float squares = 0.0F;
  for_row<T>(a.columns, lane_id(), kWarp, [&]<int N>(std::int64_t c, Count<N>) {
    const Floats<N> values = load<N>(x + c);
    for (const float v : values.v) squares += v * v;
  });
  const float rstd = rsqrtf(warp_sum(squares) / static_cast<float>(a.columns) + a.eps);
  for_row<T>(a.columns, lane_id(), kWarp, [&]<int N>(std::int64_t c, Count<N>) {
    Floats<N> values = load<N>(x + c);
    const Floats<N> w = load<N>(a.w, c);
    for (int i = 0; i < N; ++i) values.v[i] *= rstd * (a.weight_offset + w.v[i]);
    store<N>(y + c, values);
  });
  if (a.rstd != nullptr && lane_id() == 0) a.rstd[row] = rstd;
}

template <class T>
__device__ void rms_norm_backward(const RmsNormBackward& a) {
  const std::int64_t row = warp_of_grid();
  if (row >= a.rows) return;
  const std::int64_t at = row * a.columns;
  const T* const dy = static_cast<const T*>(a.dy) + at;
  const T* const x = static_cast<const T*>(a.x) + at;
  const float rstd = a.rstd[row];
  float product = 0.0F;
  for_row<T>(a.columns, lane_id(), kWarp, [&]<int N>(std::int64_t c, Count<N>) {
    const Floats<N> d = load<N>(dy + c);
    const Floats<N> values = load<N>(x + c);
    const Floats<N> w = load<N>(a.w, c);
    for (int i = 0; i < N; ++i) product += d.v[i] * (a.weight_offset + w.v[i]) * values.v[i] * rstd;
  });
  const float slope = warp_sum(product) / static_cast<float>(a.columns);
  const T* const addend = a.addend == nullptr ? nullptr : static_cast<const T*>(a.addend) + at;
  T* const dx = static_cast<T*>(a.dx) + at;
  for_row<T>(a.columns, lane_id(), kWarp, [&]<int N>(std::int64_t c, Count<N>) {
    Floats<N> d = load<N>(dy + c);
    const Floats<N> values = load<N>(x + c);
    const Floats<N> w = load<N>(a.w, c);
    Floats<N> more{};
    if (addend != nullptr) more = load<N>(addend + c);
    for (int i = 0; i < N; ++i) {
      const float g = d.v[i] * (a.weight_offset + w.v[i]);
      d.v[i] = rstd * (g - values.v[i] * rstd * slope) + more.v[i];
    }
    store<N>(dx + c, d);
  });
}

/// A thread has a column of a chunk of rows.
template <class T>
__device__ void rms_norm_weight_gradient(const RmsNormBackward& a) {
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.x) * kNormThreads + threadIdx.x;
  if (c >= a.columns) return;
  const std::int64_t begin = static_cast<std::int64_t>(blockIdx.y) * kNormChunk;
  const std::int64_t end = min(begin + kNormChunk, a.rows);
  const T* const dy = static_cast<const T*>(a.dy);
  const T* const x = static_cast<const T*>(a.x);
  float sum = 0.0F;
  for (std::int64_t row = begin; row < end; ++row) {
    const std::int64_t at = row * a.columns + c;
    sum += to_float(dy[at]) * to_float(x[at]) * a.rstd[row];
  }
  a.dw[blockIdx.y * a.columns + c] = sum;
}

ATTUNE_ENTRIES(rms_norm_forward, RmsNormForward, kNormThreads)
ATTUNE_ENTRIES(rms_norm_backward, RmsNormBackward, kNormThreads)
ATTUNE_ENTRIES(rms_norm_weight_gradient, RmsNormBackward, kNormThreads)

}  // namespace
}  // namespace attune::cuda
