// add: y = a + b; accumulate_gradient: y (f32) = dx, or y += dx.
// Any shape; a, b, y alike. y may be a or b.
// The backward needs nothing: the gradient passes through.

#include "kernels/add.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels

template <class T>
void add_elements(const T* a, const T* b, T* y, std::int64_t n) {
  for_vectors(
      n, [&](std::int64_t i, auto lanes) { store(y + i, load(a + i, lanes) + load(b + i, lanes), lanes); });
}

template <class T>
void accumulate_elements(const T* dx, float* y, std::int64_t n) {
  for_vectors(
      n, [&](std::int64_t i, auto lanes) { store(y + i, load(y + i, lanes) + load(dx + i, lanes), lanes); });
}

// ---- launch

template <class T>
void run_add(KernelContext& context, const KernelCall& call) {
  const auto* a = call.inputs[0].as<const T>();
  const auto* b = call.inputs[1].as<const T>();
  auto* y = call.outputs[0].as<T>();
  run_elements(context.pool, call.outputs[0].shape.elements(), [&](std::int64_t begin, std::int64_t end) {
    add_elements(a + begin, b + begin, y + begin, end - begin);
  });
}

template <class T>
void run_accumulate_gradient(KernelContext& context, const KernelCall& call) {
  const auto* dx = call.inputs[0].as<const T>();
  auto* y = call.outputs[0].as<float>();
  const bool accumulate = call.outputs[0].accumulate;
  run_elements(context.pool, call.outputs[0].shape.elements(), [&](std::int64_t begin, std::int64_t end) {
    if (accumulate) {
      accumulate_elements(dx + begin, y + begin, end - begin);
    } else {
      widen_values(dx + begin, y + begin, end - begin);
    }
  });
}

/// A gradient may be f32 in a bf16 graph: the input says what it is.
void run_accumulate(KernelContext& context, const KernelCall& call) {
  if (call.inputs[0].dtype == DType::bf16) {
    run_accumulate_gradient<bfloat16>(context, call);
  } else {
    run_accumulate_gradient<float>(context, call);
  }
}

}  // namespace

void register_add(KernelTable& table) {
  table.add("add", DType::f32, {run_add<float>, no_scratch});
  table.add("add", DType::bf16, {run_add<bfloat16>, no_scratch});
  table.add("accumulate_gradient", DType::f32, {run_accumulate, no_scratch});
  table.add("accumulate_gradient", DType::bf16, {run_accumulate, no_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
