// segment_mean: y[s] = mean of x[t] over the rows of segment s.   x (T, C), cu_seqlens (S + 1), y (S, C)

#include "kernels/segment_mean.h"

#include <array>

#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 2> kInputs{"x", "cu_seqlens"};
constexpr std::array<std::string_view, 1> kOutputs{"y"};
constexpr std::array<std::string_view, 3> kBackwardInputs{"dy", "cu_seqlens", "like"};
constexpr std::array<std::string_view, 1> kBackwardOutputs{"dx"};

std::any parse(const Attributes& /*attributes*/) { return SegmentMeanArguments{}; }

/// The number of segments that S + 1 starts make.
[[nodiscard]] Dimension segments_of(const InferContext& context, std::size_t input) {
  context.check_rank(input, "cu_seqlens", 1);
  context.check_dtype(input, "cu_seqlens", DType::i32);
  Dimension segments = context.in(input, "cu_seqlens").dimensions[0];
  std::int64_t& size = segments.name < 0 ? segments.fixed : segments.offset;
  if (--size < 0) {
    context.fail("shape-mismatch",
                 "expected cu_seqlens to have one start more than there are segments but "
                 "received " +
                     context.text(context.in(input, "cu_seqlens")) + ".");
  }
  return segments;
}

std::vector<ValueType> infer(const std::any& /*any*/, const InferContext& context) {
  context.check_rank(0, "x", 2);
  context.check_activation(0, "x");
  return {{{segments_of(context, 1), context.in(0, "x").dimensions[1]}, context.activation_dtype}};
}

void gradient(GradientContext& context) {
  if (!context.wants(0)) return;
  context.give(0, context.add("segment_mean_backward", context.arguments(),
                              {context.output_gradient(0), context.input(1), context.input(0)})[0]);
}

void reference(const std::any& /*any*/, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const std::int64_t segments = inputs[1].shape[0] - 1;
  const std::int64_t columns = inputs[0].shape[1];
  ReferenceTensor y{.shape = {segments, columns}, .data = {}, .present = true};
  y.data.resize(static_cast<std::size_t>(segments * columns));
  for (std::int64_t s = 0; s < segments; ++s) {
    const auto begin = static_cast<std::int64_t>(inputs[1].data[s]);
    const auto end = static_cast<std::int64_t>(inputs[1].data[s + 1]);
    for (std::int64_t t = begin; t < end; ++t) {
      for (std::int64_t c = 0; c < columns; ++c) {
        y.data[s * columns + c] += inputs[0].data[t * columns + c] / static_cast<double>(end - begin);
      }
    }
  }
  outputs = {std::move(y)};
}

std::vector<ValueType> infer_backward(const std::any& /*any*/, const InferContext& context) {
  context.check_rank(2, "like", 2);
  context.check_activation(2, "like");
  const ValueType& like = context.in(2, "like");
  context.check_activation(0, "dy");
  context.check_same_shape(0, "dy", {{segments_of(context, 1), like.dimensions[1]}, like.dtype});
  return {like};
}

}  // namespace

const OpDefinition segment_mean_op{.name = "segment_mean",
                                   .inputs = kInputs,
                                   .outputs = kOutputs,
                                   .parse = parse,
                                   .infer = infer,
                                   .gradient = gradient,
                                   .reference = reference,
                                   .work = work_per_input<1>};

const OpDefinition segment_mean_backward_op{.name = "segment_mean_backward",
                                            .inputs = kBackwardInputs,
                                            .outputs = kBackwardOutputs,
                                            .parse = parse,
                                            .infer = infer_backward,
                                            .work = work_per_output<1>};

}  // namespace attune
