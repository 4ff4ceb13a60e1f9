// layer_norm: see kernels/cpu/layer_norm.cpp for the formulas. A warp has a row.

#include "kernels/cuda/layer_norm.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {
namespace {

/// Of `count` numbers: their mean, and the sum of their squared distances from it. In one pass, and without
/// the cancellation of E[x^2] - E[x]^2: Chan, Golub & LeVeque 1979, "Updating formulae and a pairwise
/// algorithm for computing sample variances".
struct Moments {
  float count;
  float mean;
  float squares;
};

__device__ inline Moments merged(const Moments& a, const Moments& b) {
  const float count = a.count + b.count;
  if (count == 0.0F) return a;
  const float part = b.count / count;
  const float apart = b.mean - a.mean;
  return {count, a.mean + apart * part, a.squares + b.squares + apart * apart * a.count * part};
}

template <int N>
__device__ inline Moments moments_of(const Floats<N>& values) {
  float sum = 0.0F;
#pragma unroll
  for (const float v : values.v) sum += v;
  const float mean = sum * (1.0F / N);
  float squares = 0.0F;
#pragma unroll
  for (const float v : values.v) squares += (v - mean) * (v - mean);
  return {static_cast<float>(N), mean, squares};
}

/// Every lane gets lane 0's: merging is not commutative to the last bit.
__device__ inline Moments warp_moments(Moments moments) {
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    moments = merged(moments, {__shfl_down_sync(0xffffffffU, moments.count, offset),
                               __shfl_down_sync(0xffffffffU, moments.mean, offset),
                               __shfl_down_sync(0xffffffffU, moments.squares, offset)});
  }
  return {__shfl_sync(0xffffffffU, moments.count, 0), __shfl_sync(0xffffffffU, moments.mean, 0),
          __shfl_sync(0xffffffffU, moments.squares, 0)};
}

template <class T>
__device__ void layer_norm_forward(const LayerNormForward& a) {
  const std::int64_t row = warp_of_grid();
  if (row >= a.rows) return;
  const T* const x = static_cast<const T*>(a.x) + row * a.columns;
  T* const y = static_cast<T*>(a.y) + row * a.columns;
  Moments moments{};
  for_row<T>(a.columns, lane_id(), kWarp,
             [&]<int N>(std::int64_t c, Count<N>) { moments = merged(moments, moments_of(load<N>(x + c))); });
  moments = warp_moments(moments);
  const float mean = moments.mean;
  const float rstd = rsqrtf(moments.squares / static_cast<float>(a.columns) + a.eps);
  for_row<T>(a.columns, lane_id(), kWarp, [&]<int N>(std::int64_t c, Count<N>) {
    Floats<N> values = load<N>(x + c);
    const Floats<N> w = load<N>(a.w, c);
    Floats<N> b{};
    if (a.b.data != nullptr) b = load<N>(a.b, c);
    for (int i = 0; i < N; ++i) values.v[i] = fmaf((values.v[i] - mean) * rstd, w.v[i], b.v[i]);
    store<N>(y + c, values);
  });
  if (lane_id() != 0) return;
  if (a.mean != nullptr) a.mean[row] = mean;
  if (a.rstd != nullptr) a.rstd[row] = rstd;
}

template <class T>
__device__ void layer_norm_backward(const LayerNormBackward& a) {
  const std::int64_t row = warp_of_grid();
  if (row >= a.rows) return;
  const std::int64_t at = row * a.columns;
  const T* const dy = static_cast<const T*>(a.dy) + at;
  const T* const x = static_cast<const T*>(a.x) + at;
  const float mean = a.mean[row];
  const float rstd = a.rstd[row];
  float sum = 0.0F;
  float product = 0.0F;
  for_row<T>(a.columns, lane_id(), kWarp, [&]<int N>(std::int64_t c, Count<N>) {
    const Floats<N> d = load<N>(dy + c);
    const Floats<N> values = load<N>(x + c);
    const Floats<N> w = load<N>(a.w, c);
    for (int i = 0; i < N; ++i) {
      const float g = d.v[i] * w.v[i];
      sum += g;
      product += g * ((values.v[i] - mean) * rstd);
    }
  });
  const float average = warp_sum(sum) / static_cast<float>(a.columns);
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
      const float h = (values.v[i] - mean) * rstd;
      d.v[i] = rstd * (d.v[i] * w.v[i] - fmaf(h, slope, average)) + more.v[i];
    }
    store<N>(dx + c, d);
  });
}

/// A thread has a pack of columns of a chunk of rows.
template <class T>
__device__ void layer_norm_parameter_gradients(const LayerNormBackward& a) {
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * kLayerNormThreads + threadIdx.x;
  const std::int64_t begin = static_cast<std::int64_t>(blockIdx.y) * kLayerNormChunk;
  const std::int64_t end = min(begin + kLayerNormChunk, a.rows);
  for_pack_of_row<T>(a.columns, thread, a.columns % kPack<T> == 0, [&]<int N>(std::int64_t c, Count<N>) {
    Floats<N> dw{};
    Floats<N> db{};
#pragma unroll 2
    for (std::int64_t row = begin; row < end; ++row) {
      const Floats<N> d = load<N>(static_cast<const T*>(a.dy) + row * a.columns + c);
      const Floats<N> x = load<N>(static_cast<const T*>(a.x) + row * a.columns + c);
      const float mean = a.mean[row];
      const float rstd = a.rstd[row];
      for (int i = 0; i < N; ++i) {
        dw.v[i] += d.v[i] * ((x.v[i] - mean) * rstd);
        db.v[i] += d.v[i];
      }
    }
    if (a.dw != nullptr) store<N>(a.dw + blockIdx.y * a.columns + c, dw);
    if (a.db != nullptr) store<N>(a.db + blockIdx.y * a.columns + c, db);
  });
}

ATTUNE_ENTRIES(layer_norm_forward, LayerNormForward, kLayerNormThreads)
ATTUNE_ENTRIES(layer_norm_backward, LayerNormBackward, kLayerNormThreads)
ATTUNE_ENTRIES(layer_norm_parameter_gradients, LayerNormBackward, kLayerNormThreads)

}  // namespace
}  // namespace attune::cuda
