// rotary: y1 = x1 cos - x2 sin, y2 = x2 cos + x1 sin over the two halves of each head's rotated features.
//   x (T, heads * head_dim), positions (T); y like x. Of every `period` heads the first `rotated` are turned.
//   The angles are float32 products, as everywhere they are trained.

#include "kernels/rotary.h"

#include <array>
#include <cmath>

#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 2> kInputs{"x", "positions"};
constexpr std::array<std::string_view, 1> kOutputs{"y"};
constexpr std::array<std::size_t, 2> kRowInputs{0, 1};

std::any parse(const Attributes& attributes) {
  RotaryArguments arguments;
  arguments.head_dim = attributes.required_integer("head_dim");
  if (arguments.head_dim < 1) attributes.fail("head_dim", "at least 1");
  arguments.inverse_frequencies = attributes.numbers("inverse_frequencies");
  if (static_cast<std::int64_t>(2 * arguments.inverse_frequencies.size()) > arguments.head_dim) {
    attributes.fail("inverse_frequencies",
                    "at most half of head_dim (" + std::to_string(arguments.head_dim) + ") long");
  }
  arguments.period = attributes.integer("period", 1);
  if (arguments.period < 1) attributes.fail("period", "at least 1 head");
  arguments.rotated = attributes.integer("rotated", arguments.period);
  if (arguments.rotated < 0 || arguments.rotated > arguments.period) {
    attributes.fail("rotated", "between 0 and period (" + std::to_string(arguments.period) + " heads)");
  }
  arguments.attention_scaling = attributes.number("attention_scaling", 1.0F);
  arguments.inverse = attributes.boolean("inverse", false);
  return arguments;
}

std::vector<ValueType> infer(const std::any& any, const InferContext& context) {
  const auto& arguments = std::any_cast<const RotaryArguments&>(any);
  context.check_rank(0, "x", 2);
  context.check_activation(0, "x");
  const ValueType& x = context.in(0, "x");
  const std::int64_t columns = arguments.period * arguments.head_dim;
  if (x.dimensions[1].name >= 0 || x.dimensions[1].fixed % columns != 0) {
    context.fail("shape-mismatch", "expected the columns of x to be a multiple of period * head_dim = " +
                                       std::to_string(columns) + " but received " + context.text(x) + ".");
  }
  context.check_rank(1, "positions", 1);
  context.check_dtype(1, "positions", DType::i32);
  context.check_dimension(1, "positions", 0, x.dimensions[0]);
  return {x};
}

void gradient(GradientContext& context) {
  if (!context.wants(0)) return;
  auto arguments = std::any_cast<RotaryArguments>(context.arguments());
  arguments.inverse = !arguments.inverse;
  context.give(0, context.add("rotary", arguments, {context.output_gradient(0), context.input(1)})[0]);
}

void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const RotaryArguments&>(any);
  const ReferenceTensor& x = inputs[0];
  ReferenceTensor y = x;
  const auto half = static_cast<std::int64_t>(arguments.inverse_frequencies.size());
  for (std::int64_t t = 0; t < x.shape[0]; ++t) {
    for (std::int64_t head = 0; head < x.shape[1]; head += arguments.head_dim) {
      if (head / arguments.head_dim % arguments.period >= arguments.rotated) continue;
      for (std::int64_t i = 0; i < half; ++i) {
        const float angle = static_cast<float>(inputs[1].data[t]) * arguments.inverse_frequencies[i];
        const double scaling = static_cast<double>(arguments.attention_scaling);
        const double cosine = std::cos(static_cast<double>(angle)) * scaling;
        const double sine = std::sin(static_cast<double>(angle)) * scaling * (arguments.inverse ? -1.0 : 1.0);
        const std::int64_t first = t * x.shape[1] + head + i;
        const std::int64_t second = first + half;
        y.data[first] = x.data[first] * cosine - x.data[second] * sine;
        y.data[second] = x.data[second] * cosine + x.data[first] * sine;
      }
    }
  }
  outputs = {std::move(y)};
}

/// Two products and a sum for each rotated feature; the angles are few beside them.
Work work(const KernelCall& call) {
  const auto& arguments = call.as<RotaryArguments>();
  const double heads = static_cast<double>(arguments.rotated) / static_cast<double>(arguments.period);
  const double features = 2.0 * static_cast<double>(arguments.inverse_frequencies.size()) /
                          static_cast<double>(arguments.head_dim);
  return {.elements = 3.0 * heads * features * element_count(call.outputs[0])};
}

}  // namespace

const OpDefinition rotary_op{.name = "rotary",
                             .inputs = kInputs,
                             .outputs = kOutputs,
                             .parse = parse,
                             .infer = infer,
                             .gradient = gradient,
                             .reference = reference,
                             .work = work,
                             .row_inputs = kRowInputs};

}  // namespace attune
