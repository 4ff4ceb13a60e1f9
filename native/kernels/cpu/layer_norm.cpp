// layer_norm: y = (x - mean) rstd w + b, mean and variance over the row, rstd = 1 / sqrt(variance + eps).
// x, y, dy, dx, addend (T, C); w, b, dw, db (C); mean, rstd f32 (T). w and b may be of another dtype than x.
// The backward needs x, w, mean and rstd. With g = dy w and h = (x - mean) rstd:
//   dx = rstd (g - avg(g) - h avg(g h)) + addend, dw = sum over rows of dy h, db = sum over rows of dy.

#include "kernels/layer_norm.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/norm_rows.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels

struct Statistics {
  float mean;
  float rstd;
};

/// Two passes over a row that is in the first-level cache: E[x^2] - E[x]^2 would cancel.
template <class T>
Statistics statistics_of(const T* x, std::int64_t columns, float eps) {
  const auto n = static_cast<float>(columns);
  const float mean = sum_of(columns, [&](std::int64_t i, auto lanes) { return load(x + i, lanes); }) / n;
  const Vec center = broadcast(mean);
  const float squares = sum_of(columns, [&](std::int64_t i, auto lanes) {
    const Vec d = load(x + i, lanes) - center;
    return d * d;
  });
  return {mean, 1.0F / __builtin_sqrtf(squares / n + eps)};
}

template <class T>
void normalize_row(const T* x, const float* w, const float* b, T* y, std::int64_t columns, Statistics s) {
  const Vec mean = broadcast(s.mean);
  const Vec rstd = broadcast(s.rstd);
  for_vectors(columns, [&](std::int64_t i, auto lanes) {
    const Vec h = (load(x + i, lanes) - mean) * rstd;
    store(y + i, fma(h, load(w + i, lanes), load(b + i, lanes)), lanes);
  });
}

template <class T>
void row_gradient(const T* dy, const T* x, const float* w, const T* addend, T* dx, std::int64_t columns,
                  Statistics s) {
  const Vec mean = broadcast(s.mean);
  const Vec rstd = broadcast(s.rstd);
  const auto n = static_cast<float>(columns);
  const Vec average = broadcast(
      sum_of(columns, [&](std::int64_t i, auto lanes) { return load(dy + i, lanes) * load(w + i, lanes); }) /
      n);
  const Vec slope = broadcast(sum_of(columns,
                                     [&](std::int64_t i, auto lanes) {
                                       return load(dy + i, lanes) * load(w + i, lanes) *
                                              ((load(x + i, lanes) - mean) * rstd);
                                     }) /
                              n);
  for_vectors(columns, [&](std::int64_t i, auto lanes) {
    const Vec g = load(dy + i, lanes) * load(w + i, lanes);
    const Vec h = (load(x + i, lanes) - mean) * rstd;
    Vec gradient = rstd * (g - fma(h, slope, average));
    if (addend != nullptr) gradient = gradient + load(addend + i, lanes);
    store(dx + i, gradient, lanes);
  });
}

/// Adds one row to the partial sums; dw or db may be nullptr.
template <class T>
void add_parameter_gradients(const T* dy, const T* x, float* dw, float* db, std::int64_t columns,
                             Statistics s) {
  const Vec mean = broadcast(s.mean);
  const Vec rstd = broadcast(s.rstd);
  for_vectors(columns, [&](std::int64_t i, auto lanes) {
    const Vec g = load(dy + i, lanes);
    if (dw != nullptr) {
      store(dw + i, fma(g, (load(x + i, lanes) - mean) * rstd, load(dw + i, lanes)), lanes);
    }
    if (db != nullptr) store(db + i, load(db + i, lanes) + g, lanes);
  });
}

// ---- launch

struct ForwardScratch {
  float* w;
  float* b;
};
ForwardScratch lay_out_forward(Carver& carver, std::int64_t columns) {
  return {carver.take<float>(columns), carver.take<float>(columns)};
}
std::size_t forward_scratch(const KernelCall& call, int) {
  Carver carver;
  lay_out_forward(carver, last_axis(call.inputs[0]));
  return carver.used();
}

template <class T>
void run_forward(KernelContext& context, const KernelCall& call) {
  const std::int64_t columns = last_axis(call.inputs[0]);
  if (columns == 0) return;
  const std::int64_t rows = call.inputs[0].shape.elements() / columns;
  const float eps = call.as<LayerNormArguments>().eps;
  Carver carver(context.scratch);
  const ForwardScratch scratch = lay_out_forward(carver, columns);
  widen_values(call.inputs[1], scratch.w, columns);
  if (has(call.inputs, 2)) {
    widen_values(call.inputs[2], scratch.b, columns);
  } else {
    for_vectors(columns, [&](std::int64_t i, auto lanes) { store(scratch.b + i, zero(), lanes); });
  }
  const auto* x = call.inputs[0].as<const T>();
  auto* y = call.outputs[0].as<T>();
  auto* mean = has(call.outputs, 1) ? call.outputs[1].as<float>() : nullptr;
  auto* rstd = has(call.outputs, 2) ? call.outputs[2].as<float>() : nullptr;
  run_rows(context.pool, rows, rows_of_task(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const Statistics s = statistics_of(x + row * columns, columns, eps);
      normalize_row(x + row * columns, scratch.w, scratch.b, y + row * columns, columns, s);
      if (mean != nullptr) mean[row] = s.mean;
      if (rstd != nullptr) rstd[row] = s.rstd;
    }
  });
}

struct BackwardScratch {
  float* w;
  float* dw;  ///< (chunks, C) where dw is wanted
  float* db;
};
BackwardScratch lay_out_backward(Carver& carver, const KernelCall& call, std::int64_t chunks,
                                 std::int64_t columns) {
  BackwardScratch scratch{carver.take<float>(columns), nullptr, nullptr};
  if (has(call.outputs, 1)) scratch.dw = carver.take<float>(chunks * columns);
  if (has(call.outputs, 2)) scratch.db = carver.take<float>(chunks * columns);
  return scratch;
}
std::size_t backward_scratch(const KernelCall& call, int) {
  const std::int64_t columns = maximum(1, last_axis(call.inputs[0]));
  Carver carver;
  lay_out_backward(carver, call, divide_up(call.inputs[0].shape.elements() / columns, kNormRows), columns);
  return carver.used();
}

template <class T>
void run_backward(KernelContext& context, const KernelCall& call) {
  const std::int64_t columns = last_axis(call.inputs[0]);
  if (columns == 0) return;
  const std::int64_t rows = call.inputs[0].shape.elements() / columns;
  const std::int64_t chunks = divide_up(rows, kNormRows);
  Carver carver(context.scratch);
  const BackwardScratch scratch = lay_out_backward(carver, call, chunks, columns);
  widen_values(call.inputs[2], scratch.w, columns);
  const bool wants_dw = has(call.outputs, 1);
  const bool wants_db = has(call.outputs, 2);
  const auto* dy = call.inputs[0].as<const T>();
  const auto* x = call.inputs[1].as<const T>();
  const auto* mean = call.inputs[3].as<const float>();
  const auto* rstd = call.inputs[4].as<const float>();
  const auto* addend = has(call.inputs, 5) ? call.inputs[5].as<const T>() : nullptr;
  auto* dx = has(call.outputs, 0) ? call.outputs[0].as<T>() : nullptr;

  context.pool.run(chunks, [&](std::int64_t chunk, int) {
    float* const dw = wants_dw ? scratch.dw + chunk * columns : nullptr;
    float* const db = wants_db ? scratch.db + chunk * columns : nullptr;
    for_vectors(columns, [&](std::int64_t i, auto lanes) {
      if (dw != nullptr) store(dw + i, zero(), lanes);
      if (db != nullptr) store(db + i, zero(), lanes);
    });
    const std::int64_t end = minimum(rows, (chunk + 1) * kNormRows);
    for (std::int64_t row = chunk * kNormRows; row < end; ++row) {
      const std::int64_t at = row * columns;
      const Statistics s{mean[row], rstd[row]};
      // Parameters first: dx may take the place of dy.
      if (dw != nullptr || db != nullptr) add_parameter_gradients(dy + at, x + at, dw, db, columns, s);
      if (dx != nullptr) {
        row_gradient(dy + at, x + at, scratch.w, addend == nullptr ? nullptr : addend + at, dx + at, columns,
                     s);
      }
    }
  });
  if (wants_dw) sum_partials(context.pool, scratch.dw, chunks, columns, call.outputs[1], columns);
  if (wants_db) sum_partials(context.pool, scratch.db, chunks, columns, call.outputs[2], columns);
}

}  // namespace

void register_layer_norm(KernelTable& table) {
  table.add("layer_norm", DType::f32, {run_forward<float>, forward_scratch});
  table.add("layer_norm", DType::bf16, {run_forward<bfloat16>, forward_scratch});
  table.add("layer_norm_backward", DType::f32, {run_backward<float>, backward_scratch});
  table.add("layer_norm_backward", DType::bf16, {run_backward<bfloat16>, backward_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
