// l2_normalize: rows scaled to length 1.   x, y (R, C). The backward needs dy and x.

#include "kernels/l2_normalize.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 1> kInputs{"x"};
constexpr std::array<std::string_view, 1> kOutputs{"y"};
constexpr std::array<std::string_view, 2> kBackwardInputs{"dy", "x"};
constexpr std::array<std::string_view, 1> kBackwardOutputs{"dx"};

std::any parse(const Attributes& attributes) {
  const L2NormalizeArguments arguments{.eps = attributes.number("eps", 1e-12F)};
  if (!(arguments.eps > 0.0F)) attributes.fail("eps", "positive");
  return arguments;
}

std::vector<ValueType> infer(const std::any& /*any*/, const InferContext& context) {
  context.check_rank(0, "x", 2);
  context.check_activation(0, "x");
  return {context.in(0, "x")};
}

void gradient(GradientContext& context) {
  if (!context.wants(0)) return;
  context.give(0, context.add("l2_normalize_backward", context.arguments(),
                              {context.output_gradient(0), context.input(0)})[0]);
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto eps = static_cast<double>(std::any_cast<const L2NormalizeArguments&>(any).eps);
  ReferenceTensor y = inputs[0];
  const std::int64_t columns = y.shape[1];
  for (std::int64_t r = 0; r < y.shape[0]; ++r) {
    double squares = 0.0;
    for (std::int64_t c = 0; c < columns; ++c) squares += y.data[r * columns + c] * y.data[r * columns + c];
    const double norm = std::max(std::sqrt(squares), eps);
    for (std::int64_t c = 0; c < columns; ++c) y.data[r * columns + c] /= norm;
  }
  outputs = {std::move(y)};
}

std::vector<ValueType> infer_backward(const std::any& /*any*/, const InferContext& context) {
  context.check_activation(1, "x");
  context.check_activation(0, "dy");
  context.check_same_shape(0, "dy", context.in(1, "x"));
  return {context.in(1, "x")};
}

}  // namespace

const OpDefinition l2_normalize_op{.name = "l2_normalize",
                                   .inputs = kInputs,
                                   .outputs = kOutputs,
                                   .parse = parse,
                                   .infer = infer,
                                   .gradient = gradient,
                                   .reference = reference,
                                   .work = work_per_output<3>};

const OpDefinition l2_normalize_backward_op{.name = "l2_normalize_backward",
                                            .inputs = kBackwardInputs,
                                            .outputs = kBackwardOutputs,
                                            .parse = parse,
                                            .infer = infer_backward,
                                            .work = work_per_output<7>};

}  // namespace attune
