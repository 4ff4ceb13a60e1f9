// segment_mean: y[s] = sum of x[t] over the rows of segment s, divided by their number; 0 for an empty
// segment. segment_mean_backward: dx[t] = dy[s] / rows of s.   x, dx (T, C); cu_seqlens i32 (S + 1); y, dy
// (S, C). The backward needs the segments and the shape of x.

#include "kernels/segment_mean.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels

/// Rows that are summed one after another; such sums are then added in order, so that the error grows with
/// the square root of this and not of the segment.
constexpr std::int64_t kChunkRows = 32;

template <class T>
void mean_rows(const T* x, std::int64_t rows, std::int64_t stride, T* y, std::int64_t columns) {
  const Vec divisor = broadcast(static_cast<float>(rows));
  for_vectors(columns, [&](std::int64_t i, auto lanes) {
    Vec sum = zero();
    for (std::int64_t chunk = 0; chunk < rows; chunk += kChunkRows) {
      Vec partial = zero();
      const std::int64_t end = minimum(rows, chunk + kChunkRows);
      for (std::int64_t t = chunk; t < end; ++t) partial = partial + load(x + t * stride + i, lanes);
      sum = sum + partial;
    }
    store(y + i, rows == 0 ? zero() : sum / divisor, lanes);
  });
}

template <class T>
void spread_row(const T* dy, std::int64_t rows, T* dx, std::int64_t columns) {
  const Vec divisor = broadcast(static_cast<float>(rows));
  for (std::int64_t t = 0; t < rows; ++t) {
    for_vectors(columns, [&](std::int64_t i, auto lanes) {
      store(dx + t * columns + i, load(dy + i, lanes) / divisor, lanes);
    });
  }
}

// ---- launch

/// Columns of a segment that one task sums: 1 KiB of each row, several tasks for C = 768.
constexpr std::int64_t kTaskColumns = 256;

template <class T>
void run_segment_mean(KernelContext& context, const KernelCall& call) {
  const std::int64_t columns = call.outputs[0].shape.columns();
  const std::int64_t parts = divide_up(columns, kTaskColumns);
  const auto* x = call.inputs[0].as<const T>();
  const auto* starts = call.inputs[1].as<const std::int32_t>();
  auto* y = call.outputs[0].as<T>();
  context.pool.run(call.outputs[0].shape.rows() * parts, [&](std::int64_t task, int) {
    const std::int64_t s = task / parts;
    const std::int64_t first = task % parts * kTaskColumns;
    mean_rows(x + starts[s] * columns + first, starts[s + 1] - starts[s], columns, y + s * columns + first,
              minimum(kTaskColumns, columns - first));
  });
}

template <class T>
void run_backward(KernelContext& context, const KernelCall& call) {
  const std::int64_t columns = call.inputs[0].shape.columns();
  const auto* dy = call.inputs[0].as<const T>();
  const auto* starts = call.inputs[1].as<const std::int32_t>();
  auto* dx = call.outputs[0].as<T>();
  context.pool.run(call.inputs[0].shape.rows(), [&](std::int64_t s, int) {
    spread_row(dy + s * columns, starts[s + 1] - starts[s], dx + starts[s] * columns, columns);
  });
}

}  // namespace

void register_segment_mean(KernelTable& table) {
  table.add("segment_mean", DType::f32, {run_segment_mean<float>, no_scratch});
  table.add("segment_mean", DType::bf16, {run_segment_mean<bfloat16>, no_scratch});
  table.add("segment_mean_backward", DType::f32, {run_backward<float>, no_scratch});
  table.add("segment_mean_backward", DType::bf16, {run_backward<bfloat16>, no_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
