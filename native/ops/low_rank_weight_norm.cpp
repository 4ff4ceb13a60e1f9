// low_rank_weight_norm: norm[n] = |weights of output n of W + scale B A|
//   w (N, K) or (K, N) by `layout`, a (R, K), b (N, R), norm (N). No gradient: DoRA's norm is a constant.

#include "kernels/low_rank_weight_norm.h"

#include <array>
#include <cmath>

#include "ops/linear.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 3> kInputs{"w", "a", "b"};
constexpr std::array<std::string_view, 1> kOutputs{"norm"};

std::any parse(const Attributes& attributes) {
  return LowRankWeightNormArguments{.layout = parse_weight_layout(attributes, "layout"),
                                    .scale = attributes.number("scale", 1.0F)};
}

std::vector<ValueType> infer(const std::any& any, const InferContext& context) {
  const auto& arguments = std::any_cast<const LowRankWeightNormArguments&>(any);
  context.check_rank(0, "w", 2);
  context.check_weight(0, "w");
  const ValueType& w = context.in(0, "w");
  const std::size_t output_axis = arguments.layout == WeightLayout::out_in ? 0 : 1;
  const Dimension outputs = w.dimensions[output_axis];
  context.check_rank(1, "a", 2);
  context.check_weight(1, "a");
  context.check_dimension(1, "a", 1, w.dimensions[1 - output_axis]);
  context.check_rank(2, "b", 2);
  context.check_weight(2, "b");
  context.check_same_shape(2, "b", {{outputs, context.in(1, "a").dimensions[0]}, w.dtype});
  return {{{outputs}, DType::f32}};
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const LowRankWeightNormArguments&>(any);
  const std::int64_t rank = inputs[1].shape[0];
  const std::int64_t width = inputs[1].shape[1];
  const std::int64_t count = inputs[2].shape[0];
  ReferenceTensor norm{.shape = {count}, .data = {}, .present = true};
  for (std::int64_t n = 0; n < count; ++n) {
    double squares = 0.0;
    for (std::int64_t k = 0; k < width; ++k) {
      double low_rank = 0.0;
      for (std::int64_t r = 0; r < rank; ++r)
        low_rank += inputs[2].data[n * rank + r] * inputs[1].data[r * width + k];
      const bool out_in = arguments.layout == WeightLayout::out_in;
      const double weight = inputs[0].data[out_in ? n * width + k : k * count + n] +
                            static_cast<double>(arguments.scale) * low_rank;
      squares += weight * weight;
    }
    norm.data.push_back(std::sqrt(squares));
  }
  outputs = {std::move(norm)};
}

Work work(const KernelCall& call) {
  const TensorView& a = call.inputs[1];
  const auto outputs = static_cast<double>(call.outputs[0].shape[0]);
  return {.products = product_work(outputs, static_cast<double>(a.shape[0]), static_cast<double>(a.shape[1])),
          .elements = 4.0 * element_count(call.inputs[0])};
}

}  // namespace

const OpDefinition low_rank_weight_norm_op{.name = "low_rank_weight_norm",
                                           .inputs = kInputs,
                                           .outputs = kOutputs,
                                           .parse = parse,
                                           .infer = infer,
                                           .reference = reference,
                                           .work = work};

}  // namespace attune
