#pragma once

// Sums over rows for the gradients of layer_norm's and rms_norm's parameters.

#include "kernels/cpu/launch.h"

namespace attune::cpu::ATTUNE_ISA {

/// Rows whose contributions to dw are summed by one task. The cut fixes the order of the sum, so it must not
/// depend on the threads. 32 rows: 1024 tokens give 32 tasks, and the partial sums are 1/32 of the traffic.
inline constexpr std::int64_t kNormRows = 32;

/// out[c] (+)= sum over chunks of partial[chunk * stride + c], in the order of the chunks.
inline void sum_partials(ThreadPool& pool, const float* partial, std::int64_t chunks, std::int64_t stride,
                         const TensorView& out, std::int64_t columns) {
  constexpr std::int64_t kColumns =
      256;  // 1 KiB of each chunk: whole cache lines, and several tasks for C = 768
  auto* y = out.as<float>();
  const bool accumulate = out.accumulate;
  pool.run(divide_up(columns, kColumns), [&](std::int64_t task, int) {
    const std::int64_t first = task * kColumns;
    for_vectors(minimum(kColumns, columns - first), [&](std::int64_t i, auto lanes) {
      Vec sum = accumulate ? load(y + first + i, lanes) : zero();
      for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
        sum = sum + load(partial + chunk * stride + first + i, lanes);
      }
      store(y + first + i, sum, lanes);
    });
  });
}

}  // namespace attune::cpu::ATTUNE_ISA
