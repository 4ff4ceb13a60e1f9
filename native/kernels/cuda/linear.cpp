#include "kernels/linear.h"

#include "kernels/cuda/multiply.h"

namespace attune::cuda {
namespace {

enum Input : std::size_t { kX, kWeight, kBias, kLowRankInput, kLowRankWeight, kAddend };

[[nodiscard]] Product product_of(const TensorView& x, const TensorView& w, WeightLayout layout, float scale) {
  return {stored(x), stored(w, layout == WeightLayout::out_in), x.shape.columns(), scale};
}

[[nodiscard]] Multiplication linear_of(const KernelCall& call) {
  const auto& arguments = call.as<LinearArguments>();
  const TensorView& y = call.outputs[0];
  Multiplication out;
  out.rows = y.shape.rows();
  out.columns = y.shape.columns();
  out.products[0] = product_of(call.inputs[kX], call.inputs[kWeight], arguments.layout, arguments.scale);
  if (has(call.inputs, kLowRankInput)) {
    out.products[1] = product_of(call.inputs[kLowRankInput], call.inputs[kLowRankWeight],
                                 arguments.low_rank_layout, arguments.low_rank_scale);
    out.product_count = 2;
  }
  out.bias = floats(call.inputs, kBias);
  out.addend = data_of(call.inputs, kAddend);
  out.addend_stride = out.columns;
  out.c = y.data;
  out.c_dtype = y.dtype;
  out.c_stride = out.columns;
  out.accumulate = y.accumulate;
  return out;
}

/// dy^T x for out_in, x^T dy for in_out.
[[nodiscard]] Multiplication weight_gradient_of(const KernelCall& call) {
  const auto& arguments = call.as<LinearWeightGradientArguments>();
  const bool out_in = arguments.layout == WeightLayout::out_in;
  const TensorView& left = call.inputs[out_in ? 1 : 0];
  const TensorView& right = call.inputs[out_in ? 0 : 1];
  const TensorView& dw = call.outputs[0];
  Multiplication out;
  out.rows = left.shape.columns();
  out.columns = right.shape.columns();
  out.products[0] = {stored(left, true), stored(right), left.shape.rows(), arguments.scale};
  out.c = dw.data;
  out.c_dtype = dw.dtype;
  out.c_stride = out.columns;
  out.accumulate = dw.accumulate;
  return out;
}

template <Multiplication (*kAsked)(const KernelCall&)>
constexpr Kernel kKernel = {
    [](KernelContext& context, const KernelCall& call) {
      multiply(context, context.scratch.data(), kAsked(call));
    },
    [](const KernelCall& call, int /*threads*/) { return multiply_scratch(kAsked(call)); }};

}  // namespace

void register_linear(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    table.add("linear", dtype, kKernel<linear_of>);
    table.add("linear_weight_gradient", dtype, kKernel<weight_gradient_of>);
  }
}

}  // namespace attune::cuda
