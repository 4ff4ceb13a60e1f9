// query_starts: of_rows[s] = how many of query_rows are below cu_seqlens[s].

#include "kernels/cuda/query_starts.h"

#include "kernels/cuda/segments.cuh"

namespace attune::cuda {

extern "C" __global__ __launch_bounds__(kQueryStartsThreads) void query_starts(
    const __grid_constant__ QueryStarts a) {
  const int s = static_cast<int>(blockIdx.x) * kQueryStartsThreads + static_cast<int>(threadIdx.x);
  if (s > a.segments) return;
  a.of_rows[s] = first_not_below(a.count, a.starts[s], [&](int i) { return a.rows[i]; });
}

}  // namespace attune::cuda
