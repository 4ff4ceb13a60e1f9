// l2_normalize: y = x / max(|x|, eps), row by row. l2_normalize_backward: dx = (dy - y (y . dy)) / |x|, and
// dy / eps where |x| < eps.   x, y, dy, dx (R, C). The backward needs x; the norm is made again.

#include "kernels/l2_normalize.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/unit_rows.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- launch: some rows per task

template <class T>
void run_l2_normalize(KernelContext& context, const KernelCall& call) {
  const float eps = call.as<L2NormalizeArguments>().eps;
  const std::int64_t columns = call.inputs[0].shape.columns();
  const auto* x = call.inputs[0].as<const T>();
  auto* y = call.outputs[0].as<T>();
  run_rows(context.pool, call.inputs[0].shape.rows(), rows_of_task(columns),
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t r = begin; r < end; ++r) {
               const Vec factor = broadcast(unit_factor(x + r * columns, columns, eps));
               for_vectors(columns, [&](std::int64_t i, auto lanes) {
                 store(y + r * columns + i, factor * load(x + r * columns + i, lanes), lanes);
               });
             }
           });
}

template <class T>
void run_backward(KernelContext& context, const KernelCall& call) {
  const float eps = call.as<L2NormalizeArguments>().eps;
  const std::int64_t columns = call.inputs[1].shape.columns();
  const auto* dy = call.inputs[0].as<const T>();
  const auto* x = call.inputs[1].as<const T>();
  auto* dx = call.outputs[0].as<T>();
  run_rows(context.pool, call.inputs[1].shape.rows(), rows_of_task(columns),
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t r = begin; r < end; ++r) {
               const T* row = x + r * columns;
               unit_row_gradient(dy + r * columns, row, unit_factor(row, columns, eps), eps, dx + r * columns,
                                 columns);
             }
           });
}

}  // namespace

void register_l2_normalize(KernelTable& table) {
  table.add("l2_normalize", DType::f32, {run_l2_normalize<float>, no_scratch});
  table.add("l2_normalize", DType::bf16, {run_l2_normalize<bfloat16>, no_scratch});
  table.add("l2_normalize_backward", DType::f32, {run_backward<float>, no_scratch});
  table.add("l2_normalize_backward", DType::bf16, {run_backward<bfloat16>, no_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
