// stream_read: all threads together read `count` floats once, 32 KiB a block.

#include "kernels/cuda/stream_read.h"

#include "kernels/cuda/elements.cuh"

namespace attune::cuda {

extern "C" __global__ __launch_bounds__(kReadThreads) void stream_read(const __grid_constant__ StreamRead a) {
  constexpr int kFloats = kPack<float>;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kReadsOfBlock + threadIdx.x;
  Floats<kFloats> sum{};
#pragma unroll
  for (int i = 0; i < kReadsOfThread; ++i) {
    const std::int64_t at = (first + i * kReadThreads) * kFloats;
    if (at + kFloats > a.count) continue;
    const Floats<kFloats> values = load<kFloats>(a.data + at);
#pragma unroll
    for (int j = 0; j < kFloats; ++j) sum.v[j] += values.v[j];
  }
  if (a.never != nullptr) store<kFloats>(a.never + threadIdx.x * kFloats, sum);
}

}  // namespace attune::cuda
