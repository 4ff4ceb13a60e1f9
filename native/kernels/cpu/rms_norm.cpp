// rms_norm: y = x rstd (offset + w), rstd = 1 / sqrt(avg(x^2) + eps) over each group of C columns.
// x, y, dy, dx, addend (T, G C); w, dw (C); rstd f32 (T, G). w may be of another dtype than x. To the loops
// below a group is a row.
// The backward needs x, w and rstd. With g = dy (offset + w) and h = x rstd:
//   dx = rstd (g - h avg(g h)) + addend, dw = sum over rows of dy h.

#include "kernels/rms_norm.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/norm_rows.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels

template <class T>
float rstd_of(const T* x, std::int64_t columns, float eps) {
  const float squares = sum_of(columns, [&](std::int64_t i, auto lanes) {
    const Vec v = load(x + i, lanes);
    return v * v;
  });
  return 1.0F / __builtin_sqrtf(squares / static_cast<float>(columns) + eps);
}

template <class T>
void normalize_row(const T* x, const float* factor, T* y, std::int64_t columns, float rstd) {
  const Vec r = broadcast(rstd);
  for_vectors(columns, [&](std::int64_t i, auto lanes) {
    store(y + i, load(x + i, lanes) * r * load(factor + i, lanes), lanes);
  });
}

template <class T>
void row_gradient(const T* dy, const T* x, const float* factor, const T* addend, T* dx, std::int64_t columns,
                  float rstd) {
  const Vec r = broadcast(rstd);
  const float product = sum_of(columns, [&](std::int64_t i, auto lanes) {
    return load(dy + i, lanes) * load(factor + i, lanes) * (load(x + i, lanes) * r);
  });
  const Vec slope = broadcast(product / static_cast<float>(columns));
  for_vectors(columns, [&](std::int64_t i, auto lanes) {
    const Vec g = load(dy + i, lanes) * load(factor + i, lanes);
    Vec gradient = r * fnma(load(x + i, lanes) * r, slope, g);
    if (addend != nullptr) gradient = gradient + load(addend + i, lanes);
    store(dx + i, gradient, lanes);
  });
}

/// Adds one row to the partial sum.
template <class T>
void add_weight_gradient(const T* dy, const T* x, float* dw, std::int64_t columns, float rstd) {
  const Vec r = broadcast(rstd);
  for_vectors(columns, [&](std::int64_t i, auto lanes) {
    store(dw + i, fma(load(dy + i, lanes), load(x + i, lanes) * r, load(dw + i, lanes)), lanes);
  });
}

// ---- launch

/// offset + w as floats.
void widen_factor(const TensorView& w, float offset, float* factor, std::int64_t columns) {
  widen_values(w, factor, columns);
  for_vectors(columns, [&](std::int64_t i, auto lanes) {
    store(factor + i, load(factor + i, lanes) + broadcast(offset), lanes);
  });
}

std::size_t forward_scratch(const KernelCall& call, int) {
  Carver carver;
  carver.take<float>(last_axis(call.inputs[1]));
  return carver.used();
}

template <class T>
void run_forward(KernelContext& context, const KernelCall& call) {
  const std::int64_t columns = last_axis(call.inputs[1]);
  if (columns == 0) return;
  const std::int64_t rows = call.inputs[0].shape.elements() / columns;
  const auto& arguments = call.as<RmsNormArguments>();
  Carver carver(context.scratch);
  auto* factor = carver.take<float>(columns);
  widen_factor(call.inputs[1], arguments.weight_offset, factor, columns);
  const auto* x = call.inputs[0].as<const T>();
  auto* y = call.outputs[0].as<T>();
  auto* rstd = has(call.outputs, 1) ? call.outputs[1].as<float>() : nullptr;
  run_rows(context.pool, rows, rows_of_task(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const float r = rstd_of(x + row * columns, columns, arguments.eps);
      normalize_row(x + row * columns, factor, y + row * columns, columns, r);
      if (rstd != nullptr) rstd[row] = r;
    }
  });
}

struct BackwardScratch {
  float* factor;
  float* dw;  ///< (chunks, C) where dw is wanted
};
BackwardScratch lay_out_backward(Carver& carver, const KernelCall& call, std::int64_t chunks,
                                 std::int64_t columns) {
  BackwardScratch scratch{carver.take<float>(columns), nullptr};
  if (has(call.outputs, 1)) scratch.dw = carver.take<float>(chunks * columns);
  return scratch;
}
std::size_t backward_scratch(const KernelCall& call, int) {
  const std::int64_t columns = maximum(1, last_axis(call.inputs[2]));
  Carver carver;
  lay_out_backward(carver, call, divide_up(call.inputs[0].shape.elements() / columns, kNormRows), columns);
  return carver.used();
}

template <class T>
void run_backward(KernelContext& context, const KernelCall& call) {
  const std::int64_t columns = last_axis(call.inputs[2]);
  if (columns == 0) return;
  const std::int64_t rows = call.inputs[0].shape.elements() / columns;
  const std::int64_t chunks = divide_up(rows, kNormRows);
  Carver carver(context.scratch);
  const BackwardScratch scratch = lay_out_backward(carver, call, chunks, columns);
  widen_factor(call.inputs[2], call.as<RmsNormBackwardArguments>().weight_offset, scratch.factor, columns);
  const bool wants_dw = has(call.outputs, 1);
  const auto* dy = call.inputs[0].as<const T>();
  const auto* x = call.inputs[1].as<const T>();
  const auto* rstd = call.inputs[3].as<const float>();
  const auto* addend = has(call.inputs, 4) ? call.inputs[4].as<const T>() : nullptr;
  auto* dx = has(call.outputs, 0) ? call.outputs[0].as<T>() : nullptr;

  context.pool.run(chunks, [&](std::int64_t chunk, int) {
    float* const dw = wants_dw ? scratch.dw + chunk * columns : nullptr;
    if (dw != nullptr) {
      for_vectors(columns, [&](std::int64_t i, auto lanes) { store(dw + i, zero(), lanes); });
    }
    const std::int64_t end = minimum(rows, (chunk + 1) * kNormRows);
    for (std::int64_t row = chunk * kNormRows; row < end; ++row) {
      const std::int64_t at = row * columns;
      // The weight first: dx may take the place of dy.
      if (dw != nullptr) add_weight_gradient(dy + at, x + at, dw, columns, rstd[row]);
      if (dx != nullptr) {
        row_gradient(dy + at, x + at, scratch.factor, addend == nullptr ? nullptr : addend + at, dx + at,
                     columns, rstd[row]);
      }
    }
  });
  if (wants_dw) sum_partials(context.pool, scratch.dw, chunks, columns, call.outputs[1], columns);
}

}  // namespace

void register_rms_norm(KernelTable& table) {
  table.add("rms_norm", DType::f32, {run_forward<float>, forward_scratch});
  table.add("rms_norm", DType::bf16, {run_forward<bfloat16>, forward_scratch});
  table.add("rms_norm_backward", DType::f32, {run_backward<float>, backward_scratch});
  table.add("rms_norm_backward", DType::bf16, {run_backward<bfloat16>, backward_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
