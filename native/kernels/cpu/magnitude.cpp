// magnitude: y = x m / norm + bias + addend; magnitude_gradient: dm = sum over t of dy x / norm.
// x, addend, y, dy (T, N); m, bias (N), f32 or x's dtype; norm, dm float32 (N). Where norm is 0, x counts as
// 0. The backward needs x and norm; the gradient of x is magnitude itself on dy.

#include "kernels/magnitude.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/norm_rows.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels

ATTUNE_INLINE Vec divide_or_zero(Vec a, Vec norm) { return select(less(zero(), norm), a / norm, zero()); }

template <class T>
void scale_row(const T* x, const float* factor, const float* bias, const T* addend, T* y,
               std::int64_t columns) {
  for_vectors(columns, [&](std::int64_t i, auto lanes) {
    Vec out = load(x + i, lanes) * load(factor + i, lanes);
    if (bias != nullptr) out = out + load(bias + i, lanes);
    if (addend != nullptr) out = out + load(addend + i, lanes);
    store(y + i, out, lanes);
  });
}

// ---- launch

struct Scratch {
  float* factor;  ///< m / norm (N)
  float* bias;    ///< (N) where there is one
};
Scratch lay_out(Carver& carver, const KernelCall& call) {
  const std::int64_t columns = call.inputs[0].shape.columns();
  Scratch scratch{carver.take<float>(columns), nullptr};
  if (has(call.inputs, 3)) scratch.bias = carver.take<float>(columns);
  return scratch;
}
std::size_t forward_scratch(const KernelCall& call, int) {
  Carver carver;
  lay_out(carver, call);
  return carver.used();
}

template <class T>
void run_forward(KernelContext& context, const KernelCall& call) {
  const std::int64_t columns = call.inputs[0].shape.columns();
  Carver carver(context.scratch);
  const Scratch scratch = lay_out(carver, call);
  const auto* norm = call.inputs[2].as<const float>();
  widen_values(call.inputs[1], scratch.factor, columns);
  for_vectors(columns, [&](std::int64_t i, auto lanes) {
    store(scratch.factor + i, divide_or_zero(load(scratch.factor + i, lanes), load(norm + i, lanes)), lanes);
  });
  if (scratch.bias != nullptr) widen_values(call.inputs[3], scratch.bias, columns);
  const auto* x = call.inputs[0].as<const T>();
  const auto* addend = has(call.inputs, 4) ? call.inputs[4].as<const T>() : nullptr;
  auto* y = call.outputs[0].as<T>();
  run_rows(context.pool, call.inputs[0].shape.rows(), rows_of_task(columns),
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t at = begin * columns; at < end * columns; at += columns) {
               scale_row(x + at, scratch.factor, scratch.bias, addend == nullptr ? nullptr : addend + at,
                         y + at, columns);
             }
           });
}

std::size_t gradient_scratch(const KernelCall& call, int) {
  Carver carver;
  carver.take<float>(divide_up(call.inputs[0].shape.rows(), kNormRows) * call.inputs[0].shape.columns());
  return carver.used();
}

template <class T>
void run_gradient(KernelContext& context, const KernelCall& call) {
  const std::int64_t rows = call.inputs[0].shape.rows();
  const std::int64_t columns = call.inputs[0].shape.columns();
  const std::int64_t chunks = divide_up(rows, kNormRows);
  auto* partials = reinterpret_cast<float*>(context.scratch.data());
  const auto* dy = call.inputs[0].as<const T>();
  const auto* x = call.inputs[1].as<const T>();
  const auto* norm = call.inputs[2].as<const float>();
  context.pool.run(chunks, [&](std::int64_t chunk, int) {
    const std::int64_t end = minimum(rows, (chunk + 1) * kNormRows);
    for_vectors(columns, [&](std::int64_t i, auto lanes) {
      Vec sum = zero();
      for (std::int64_t t = chunk * kNormRows; t < end; ++t) {
        sum = fma(load(dy + t * columns + i, lanes), load(x + t * columns + i, lanes), sum);
      }
      store(partials + chunk * columns + i, divide_or_zero(sum, load(norm + i, lanes)), lanes);
    });
  });
  sum_partials(context.pool, partials, chunks, columns, call.outputs[0], columns);
}

}  // namespace

void register_magnitude(KernelTable& table) {
  table.add("magnitude", DType::f32, {run_forward<float>, forward_scratch});
  table.add("magnitude", DType::bf16, {run_forward<bfloat16>, forward_scratch});
  table.add("magnitude_gradient", DType::f32, {run_gradient<float>, gradient_scratch});
  table.add("magnitude_gradient", DType::bf16, {run_gradient<bfloat16>, gradient_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
