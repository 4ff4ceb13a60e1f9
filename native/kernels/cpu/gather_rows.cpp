// gather_rows: y[r] = x[rows[r]]; scatter_rows: dx[rows[r]] = dy[r], zero in every other row.
// x, dx (T, C); rows i32 (R), ascending and distinct; y, dy (R, C).
// The backward needs the row numbers and the shape of x.

#include "kernels/gather_rows.h"

#include <cstring>

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels: rows are copied as bytes, so one kernel serves every dtype

/// First index in [0, count) whose row is not below `row`.
std::int64_t lower_bound(const std::int32_t* rows, std::int64_t count, std::int64_t row) {
  std::int64_t low = 0;
  while (low < count) {
    const std::int64_t middle = (low + count) / 2;
    if (rows[middle] < row) {
      low = middle + 1;
    } else {
      count = middle;
    }
  }
  return low;
}

/// Rows [begin, end) of dx.
void scatter(const std::byte* dy, const std::int32_t* rows, std::int64_t count, std::byte* dx,
             std::size_t bytes, std::int64_t begin, std::int64_t end) {
  std::memset(dx + static_cast<std::size_t>(begin) * bytes, 0, static_cast<std::size_t>(end - begin) * bytes);
  for (std::int64_t r = lower_bound(rows, count, begin); r < count && rows[r] < end; ++r) {
    std::memcpy(dx + static_cast<std::size_t>(rows[r]) * bytes, dy + static_cast<std::size_t>(r) * bytes,
                bytes);
  }
}

// ---- launch

void run_gather(KernelContext& context, const KernelCall& call) {
  const TensorView& y = call.outputs[0];
  const std::int64_t columns = y.shape.columns();
  const std::size_t bytes = static_cast<std::size_t>(columns) * size_of(y.dtype);
  const auto* x = call.inputs[0].as<const std::byte>();
  const auto* rows = call.inputs[1].as<const std::int32_t>();
  if (bytes == 0) return;
  run_rows(context.pool, y.shape.rows(), rows_of_task(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      std::memcpy(y.as<std::byte>() + static_cast<std::size_t>(r) * bytes,
                  x + static_cast<std::size_t>(rows[r]) * bytes, bytes);
    }
  });
}

void run_scatter(KernelContext& context, const KernelCall& call) {
  const TensorView& dx = call.outputs[0];
  const std::int64_t columns = dx.shape.columns();
  const std::size_t bytes = static_cast<std::size_t>(columns) * size_of(dx.dtype);
  const std::int64_t count = call.inputs[1].shape.rows();
  if (bytes == 0) return;
  run_rows(context.pool, dx.shape.rows(), rows_of_task(columns), [&](std::int64_t begin, std::int64_t end) {
    scatter(call.inputs[0].as<const std::byte>(), call.inputs[1].as<const std::int32_t>(), count,
            dx.as<std::byte>(), bytes, begin, end);
  });
}

}  // namespace

void register_gather_rows(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    table.add("gather_rows", dtype, {run_gather, no_scratch});
    table.add("scatter_rows", dtype, {run_scatter, no_scratch});
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
