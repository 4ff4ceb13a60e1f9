// embedding_noise: uniform noise on embeddings, alpha / sqrt(tokens * features) large.   x, y (T, C),
// cu_seqlens (S + 1). The gradient passes through.

#include "kernels/embedding_noise.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/philox.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 2> kInputs{"x", "cu_seqlens"};
constexpr std::array<std::string_view, 1> kOutputs{"y"};

std::any parse(const Attributes& attributes) {
  const std::int64_t stream = attributes.integer("stream", 0);
  const EmbeddingNoiseArguments arguments{.alpha = attributes.number("alpha", 0.0F),
                                          .stream = static_cast<std::uint32_t>(stream)};
  if (!(arguments.alpha >= 0.0F)) attributes.fail("alpha", "0 (no noise) or more");
  if (arguments.stream != stream) attributes.fail("stream", "a 32-bit unsigned integer");
  return arguments;
}

std::vector<ValueType> infer(const std::any& /*any*/, const InferContext& context) {
  context.check_rank(0, "x", 2);
  context.check_activation(0, "x");
  context.check_rank(1, "cu_seqlens", 1);
  context.check_dtype(1, "cu_seqlens", DType::i32);
  return {context.in(0, "x")};
}

void gradient(GradientContext& context) {
  if (context.wants(0)) context.give(0, context.output_gradient(0));
}

/// With seed 0 and draw 0.
void reference(const std::any& any, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const auto& arguments = std::any_cast<const EmbeddingNoiseArguments&>(any);
  ReferenceTensor y = inputs[0];
  const auto columns = static_cast<double>(y.shape[1]);
  for (std::size_t s = 0; s + 1 < inputs[1].data.size(); ++s) {
    const auto begin = static_cast<std::size_t>(inputs[1].data[s] * columns);
    const auto end = static_cast<std::size_t>(inputs[1].data[s + 1] * columns);
    const double magnitude = static_cast<double>(arguments.alpha) /
                             std::sqrt(static_cast<double>(std::max<std::size_t>(1, end - begin)));
    for (std::size_t i = begin; i < end; ++i) {
      const std::uint32_t word = philox({.stream = arguments.stream}, i / 4)[i % 4];
      y.data[i] += magnitude * (static_cast<double>(word >> 8) * 0x1p-23 - 1.0);
    }
  }
  outputs = {std::move(y)};
}

}  // namespace

const OpDefinition embedding_noise_op{.name = "embedding_noise",
                                      .inputs = kInputs,
                                      .outputs = kOutputs,
                                      .parse = parse,
                                      .infer = infer,
                                      .gradient = gradient,
                                      .reference = reference,
                                      .work = work_per_output<2>};

}  // namespace attune
