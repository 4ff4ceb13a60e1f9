// argmax: ids[t] = the first v with x[t, v] = max over V of x[t].   x (T, V), ids (T). The best of each chunk
// of a row, then the best of those.

#include "kernels/cuda/argmax.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {
namespace {

constexpr ArgmaxCandidate kNone{-__builtin_huge_valf(), 0};

/// The larger, of equals the first: in any order the same comes out.
__device__ ArgmaxCandidate better(const ArgmaxCandidate& a, const ArgmaxCandidate& b) {
  const bool second = b.value > a.value || (b.value == a.value && b.id < a.id);
  return second ? b : a;
}

/// Over the lanes of a warp. Every lane gets it.
__device__ ArgmaxCandidate warp_best(ArgmaxCandidate best) {
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    best = better(best, {__shfl_xor_sync(0xffffffffU, best.value, offset),
                         __shfl_xor_sync(0xffffffffU, best.id, offset)});
  }
  return best;
}

/// A block has a chunk of a row.
template <class T>
__device__ void argmax_chunks(const Argmax& a) {
  __shared__ ArgmaxCandidate parts[kArgmaxThreads / kWarp];
  const std::int64_t row = blockIdx.x;
  const std::int64_t begin = blockIdx.y * kArgmaxChunk;
  const std::int64_t end = min(begin + kArgmaxChunk, a.columns);
  const T* const x = static_cast<const T*>(a.x) + row * a.columns;
  const bool whole = a.columns % kPack<T> == 0;
  ArgmaxCandidate best = kNone;
  for (std::int64_t pack = begin / kPack<T> + threadIdx.x; pack * kPack<T> < end; pack += kArgmaxThreads) {
    for_pack_of_row<T>(end, pack, whole, [&]<int N>(std::int64_t c, Count<N>) {
      const Floats<N> values = load<N>(x + c);
#pragma unroll
      for (int i = 0; i < N; ++i) {
        if (values.v[i] > best.value) best = {values.v[i], static_cast<std::int32_t>(c + i)};
      }
    });
  }
  best = warp_best(best);
  if (lane_id() == 0) parts[warp_id()] = best;
  __syncthreads();
  if (threadIdx.x > 0) return;
  for (const ArgmaxCandidate& part : parts) best = better(best, part);
  a.candidates[row * a.chunks + blockIdx.y] = best;
}

ATTUNE_ENTRIES(argmax_chunks, Argmax, kArgmaxThreads)

/// A warp has a row.
extern "C" __global__ __launch_bounds__(kArgmaxThreads) void argmax_rows(const __grid_constant__ Argmax a) {
  const std::int64_t row = warp_of_grid();
  if (row >= a.rows) return;
  ArgmaxCandidate best = kNone;
  for (std::int64_t chunk = lane_id(); chunk < a.chunks; chunk += kWarp)
    best = better(best, a.candidates[row * a.chunks + chunk]);
  best = warp_best(best);
  if (lane_id() == 0) a.ids[row] = best.id;
}

}  // namespace
}  // namespace attune::cuda
