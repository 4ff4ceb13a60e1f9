// row_loss[r] = sum_c (predictions - targets)^2; loss = loss_scale * sum_r row_loss[r]
// predictions, dpredictions (R, C); targets (R, C), row_loss (R) and losses float32
// Nothing saved: the gradient, 2 loss_scale (predictions - targets), is made at once.

#include "kernels/mean_squared_error.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"
#include "kernels/cpu/loss_sum.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

template <class T>
void run_mean_squared_error(KernelContext& context, const KernelCall& call) {
  const std::int64_t columns = call.inputs[0].shape.columns();
  const auto* predictions = call.inputs[0].as<const T>();
  const auto* targets = call.inputs[1].as<const float>();
  const Vec slope = broadcast(2.0F * *call.inputs[2].as<const float>());
  auto* row_loss = call.outputs[1].as<float>();
  auto* gradient = has(call.outputs, 2) ? call.outputs[2].as<T>() : nullptr;
  const auto run_row = [&](std::int64_t r) {
    const std::int64_t at = r * columns;
    const auto error = [&](std::int64_t i, auto lanes) {
      return load(predictions + at + i, lanes) - load(targets + at + i, lanes);
    };
    row_loss[r] = sum_of(columns, [&](std::int64_t i, auto lanes) {
      const Vec e = error(i, lanes);
      return e * e;
    });
    if (gradient == nullptr) return;
    for_vectors(columns, [&](std::int64_t i, auto lanes) {
      store(gradient + at + i, slope * error(i, lanes), lanes);
    });
  };
  run_rows(context.pool, call.inputs[0].shape.rows(), rows_of_task(columns),
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t r = begin; r < end; ++r) run_row(r);
           });
  sum_row_losses(call.outputs[1], call.inputs[2], call.outputs[0]);
}

}  // namespace

void register_mean_squared_error(KernelTable& table) {
  table.add("mean_squared_error", DType::f32, {run_mean_squared_error<float>, no_scratch});
  table.add("mean_squared_error", DType::bf16, {run_mean_squared_error<bfloat16>, no_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
