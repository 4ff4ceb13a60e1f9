// attention_statistics: what attention_backward needs of every query and head: lse, and delta = rows of do .
// o.

#include "kernels/cuda/attention_rows.cuh"
#include "kernels/cuda/attention_scores.cuh"

namespace attune::cuda {
namespace {

/// kStatisticsLanes lanes have a query of one head.
template <class T>
__device__ void attention_statistics(const AttentionStatistics& a) {
  const std::int64_t at =
      (static_cast<std::int64_t>(blockIdx.x) * kStatisticsThreads + threadIdx.x) / kStatisticsLanes;
  const bool there = at < a.rows * a.counts.heads;
  const std::int64_t row = there ? at / a.counts.heads : 0;
  const auto head = static_cast<int>(there ? at % a.counts.heads : 0);
  const auto d_o = rows_of<const T>(a.d_o, head, row, 1);
  const auto o = rows_of<const T>(a.o, head, row, 1);
  float delta = 0.0F;
  if (there) {
    for_row<T>(a.counts.head_dim, lane_id() % kStatisticsLanes, kStatisticsLanes,
               [&]<int N>(std::int64_t c, Count<N>) {
                 const Floats<N> left = load<N>(d_o.data + c);
                 const Floats<N> right = load<N>(o.data + c);
                 for (int i = 0; i < N; ++i) delta += left.v[i] * right.v[i];
               });
  }
#pragma unroll
  for (int offset = kStatisticsLanes / 2; offset > 0; offset /= 2)
    delta += __shfl_xor_sync(0xffffffffU, delta, offset);
  if (there && lane_id() % kStatisticsLanes == 0) {
    a.statistics[head * a.rows + row] = {a.lse[row * a.counts.heads + head] * kLog2e, delta};
  }
}

ATTUNE_ENTRIES(attention_statistics, AttentionStatistics, kStatisticsThreads)

}  // namespace
}  // namespace attune::cuda
