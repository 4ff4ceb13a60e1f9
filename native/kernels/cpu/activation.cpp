// activation: y = f(x); gated_activation: y = f(gate) * up; f is one of ActivationKind.
// Any shape; all tensors alike, but for gate and up side by side in rows (T, 2N). y may be x; dx may be dy.
// The backward needs x (gate and up): dx = dy f'(x); dgate = dy up f'(gate), dup = dy f(gate).

#include "kernels/cpu/activation_functions.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels

template <class F, class T>
void activate(const T* x, T* y, std::int64_t n) {
  for_vectors(n, [&](std::int64_t i, auto lanes) { store(y + i, F::value(load(x + i, lanes)), lanes); });
}

template <class F, class T>
void activate_backward(const T* dy, const T* x, T* dx, std::int64_t n) {
  for_vectors(n, [&](std::int64_t i, auto lanes) {
    Vec value;
    Vec slope;
    F::both(load(x + i, lanes), value, slope);
    store(dx + i, load(dy + i, lanes) * slope, lanes);
  });
}

template <class F, class T>
void activate_gated(const T* gate, const T* up, T* y, std::int64_t n) {
  for_vectors(n, [&](std::int64_t i, auto lanes) {
    store(y + i, F::value(load(gate + i, lanes)) * load(up + i, lanes), lanes);
  });
}

/// dgate and dup may each be nullptr.
template <class F, class T>
void activate_gated_backward(const T* dy, const T* gate, const T* up, T* dgate, T* dup, std::int64_t n) {
  for_vectors(n, [&](std::int64_t i, auto lanes) {
    Vec value;
    Vec slope;
    F::both(load(gate + i, lanes), value, slope);
    const Vec gradient = load(dy + i, lanes);
    const Vec factor = load(up + i, lanes);
    if (dgate != nullptr) store(dgate + i, gradient * factor * slope, lanes);
    if (dup != nullptr) store(dup + i, gradient * value, lanes);
  });
}

// ---- launch

template <class T>
void run_activation(KernelContext& context, const KernelCall& call) {
  const auto* x = call.inputs[0].as<const T>();
  auto* y = call.outputs[0].as<T>();
  with_kind(call.as<ActivationArguments>().kind, [&]<class F>(F) {
    run_elements(context.pool, call.outputs[0].shape.elements(), [&](std::int64_t begin, std::int64_t end) {
      activate<F>(x + begin, y + begin, end - begin);
    });
  });
}

template <class T>
void run_activation_backward(KernelContext& context, const KernelCall& call) {
  const auto* dy = call.inputs[0].as<const T>();
  const auto* x = call.inputs[1].as<const T>();
  auto* dx = call.outputs[0].as<T>();
  with_kind(call.as<ActivationArguments>().kind, [&]<class F>(F) {
    run_elements(context.pool, call.outputs[0].shape.elements(), [&](std::int64_t begin, std::int64_t end) {
      activate_backward<F>(dy + begin, x + begin, dx + begin, end - begin);
    });
  });
}

/// Calls body(at, gate, up, n) for stretches of n elements: `at` is where they begin in y, gate and up where
/// they begin in their tensors, which are one tensor for halves.
template <class Body>
void run_gated(ThreadPool& pool, const TensorView& y, bool halves, GateOrder order, const Body& body) {
  if (!halves) {
    run_elements(pool, y.shape.elements(),
                 [&](std::int64_t begin, std::int64_t end) { body(begin, begin, begin, end - begin); });
    return;
  }
  const std::int64_t columns = y.shape.columns();
  const std::int64_t gate = order == GateOrder::gate_up ? 0 : columns;
  run_rows(pool, y.shape.rows(), rows_of_task(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      body(t * columns, 2 * t * columns + gate, (2 * t + 1) * columns - gate, columns);
    }
  });
}

template <class T>
void run_gated_activation(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<GatedActivationArguments>();
  const bool halves = !has(call.inputs, 1);
  const auto* gate = call.inputs[0].as<const T>();
  const auto* up = halves ? gate : call.inputs[1].as<const T>();
  auto* y = call.outputs[0].as<T>();
  with_kind(arguments.kind, [&]<class F>(F) {
    run_gated(context.pool, call.outputs[0], halves, arguments.order,
              [&](std::int64_t at, std::int64_t gate_at, std::int64_t up_at, std::int64_t n) {
                activate_gated<F>(gate + gate_at, up + up_at, y + at, n);
              });
  });
}

template <class T>
void run_gated_activation_backward(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<GatedActivationArguments>();
  const bool halves = !has(call.inputs, 2);
  const auto* dy = call.inputs[0].as<const T>();
  const auto* gate = call.inputs[1].as<const T>();
  const auto* up = halves ? gate : call.inputs[2].as<const T>();
  auto* dgate = has(call.outputs, 0) ? call.outputs[0].as<T>() : nullptr;
  auto* dup = halves ? dgate : (has(call.outputs, 1) ? call.outputs[1].as<T>() : nullptr);
  with_kind(arguments.kind, [&]<class F>(F) {
    run_gated(context.pool, call.inputs[0], halves, arguments.order,
              [&](std::int64_t at, std::int64_t gate_at, std::int64_t up_at, std::int64_t n) {
                activate_gated_backward<F>(dy + at, gate + gate_at, up + up_at,
                                           dgate == nullptr ? nullptr : dgate + gate_at,
                                           dup == nullptr ? nullptr : dup + up_at, n);
              });
  });
}

template <class T>
void add_rows(KernelTable& table) {
  table.add("activation", dtype_of<T>, {run_activation<T>, no_scratch});
  table.add("activation_backward", dtype_of<T>, {run_activation_backward<T>, no_scratch});
  table.add("gated_activation", dtype_of<T>, {run_gated_activation<T>, no_scratch});
  table.add("gated_activation_backward", dtype_of<T>, {run_gated_activation_backward<T>, no_scratch});
}

}  // namespace

void register_activation(KernelTable& table) {
  add_rows<float>(table);
  add_rows<bfloat16>(table);
}

}  // namespace attune::cpu::ATTUNE_ISA
