// sum = scale x W + bias + low_rank_scale u B + addend, y = sum or activation(sum);  dW = scale dy^T x
// (out_in) or scale x^T dy (in_out) x (T, K), W (N, K) or (K, N), bias (N), u (T, R), B (N, R) or (R, N),
// addend, y, dy (T, N); dW as W, f32 The backward needs x and dy; the gradient of x is linear itself with the
// weight's layout flipped.

#include "kernels/linear.h"

#include "kernels/cpu/gemm/gemm.h"
#include "kernels/cpu/kernels.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

enum Input : std::size_t { kX, kWeight, kBias, kLowRankInput, kLowRankWeight, kAddend };

bool present(const KernelCall& call, std::size_t input) {
  return input < call.inputs.size() && call.inputs[input].present;
}

Matrix rows_of(const TensorView& view) {
  return {view.data, view.dtype, view.shape.columns(), 1, view.shape.elements()};
}
Matrix transposed(const TensorView& view) {
  return {view.data, view.dtype, 1, view.shape.columns(), view.shape.elements()};
}

/// A weight as the right factor (in, out), whichever way it is stored.
Matrix weight_of(const TensorView& view, WeightLayout layout) {
  return layout == WeightLayout::out_in ? transposed(view) : rows_of(view);
}

/// x, which several products of a layer read, where it is a factor that `call` shares with them.
KeptPanels kept_x(const KernelCall& call, KeptPanels::Factor factor) {
  KeptPanels kept;
  if (call.shares) kept.factor = factor;
  return kept;
}

Gemm linear_gemm(const KernelCall& call) {
  const auto& arguments = call.as<LinearArguments>();
  const TensorView& x = call.inputs[kX];
  const TensorView& y = call.outputs[0];
  Gemm out;
  out.rows = y.shape.rows();
  out.columns = y.shape.columns();
  out.products[0] = {rows_of(x), weight_of(call.inputs[kWeight], arguments.layout), x.shape.columns(),
                     arguments.scale};
  out.product_count = 1;
  if (present(call, kLowRankInput)) {
    const TensorView& u = call.inputs[kLowRankInput];
    out.products[1] = {rows_of(u), weight_of(call.inputs[kLowRankWeight], arguments.low_rank_layout),
                       u.shape.columns(), arguments.low_rank_scale};
    out.product_count = 2;
  }
  if (present(call, kBias)) out.bias = rows_of(call.inputs[kBias]);
  if (present(call, kAddend)) out.addend = rows_of(call.inputs[kAddend]);
  out.activation = arguments.activation;
  out.activated = y.data;
  out.c = arguments.keeps_sum ? call.outputs[1].data : y.data;
  out.c_dtype = y.dtype;
  out.c_stride = out.columns;
  out.accumulate = y.accumulate;
  out.kept = kept_x(call, KeptPanels::Factor::a);
  return out;
}

Gemm weight_gradient_gemm(const KernelCall& call) {
  const auto& arguments = call.as<LinearWeightGradientArguments>();
  const bool out_in = arguments.layout == WeightLayout::out_in;
  const TensorView& left = call.inputs[out_in ? 1 : 0];
  const TensorView& right = call.inputs[out_in ? 0 : 1];
  Gemm out;
  out.rows = left.shape.columns();
  out.columns = right.shape.columns();
  out.products[0] = {transposed(left), rows_of(right), left.shape.rows(), arguments.scale};
  out.product_count = 1;
  out.c = call.outputs[0].data;
  out.c_dtype = call.outputs[0].dtype;
  out.c_stride = out.columns;
  out.accumulate = call.outputs[0].accumulate;
  out.kept = kept_x(call, out_in ? KeptPanels::Factor::b : KeptPanels::Factor::a);
  return out;
}

template <Gemm (*kGemmOf)(const KernelCall&)>
constexpr Kernel kKernel = {
    [](KernelContext& context, const KernelCall& call) {
      Gemm product = kGemmOf(call);
      product.kept.data = reinterpret_cast<float*>(context.shared.data());
      product.kept.packed = context.shared_written;
      gemm(context.pool, context.scratch.data(), product);
    },
    [](const KernelCall& call, int threads) { return gemm_scratch(kGemmOf(call), threads); }, nullptr,
    [](const KernelCall& call) { return kept_form(kGemmOf(call)); }, true};

}  // namespace

void register_linear(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    table.add("linear", dtype, kKernel<linear_gemm>);
    table.add("linear_weight_gradient", dtype, kKernel<weight_gradient_gemm>);
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
