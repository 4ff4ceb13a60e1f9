// argmax: ids[t] = the first v with x[t, v] = max over V of x[t].   x (T, V), ids (T)

#include "kernels/argmax.h"

#include <array>

#include "ops/loss.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 1> kInputs{"x"};
constexpr std::array<std::string_view, 1> kOutputs{"ids"};

std::any parse(const Attributes& /*attributes*/) { return ArgmaxArguments{}; }

std::vector<ValueType> infer(const std::any& /*any*/, const InferContext& context) {
  context.check_rank(0, "x", 2);
  context.check_activation(0, "x");
  return {{{context.in(0, "x").dimensions[0]}, DType::i32}};
}

void reference(const std::any& /*any*/, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const ReferenceTensor& x = inputs[0];
  const auto columns = static_cast<std::size_t>(x.shape[1]);
  ReferenceTensor ids{.shape = {x.shape[0]}, .data = {}, .present = true};
  for (std::int64_t t = 0; t < x.shape[0]; ++t) {
    const std::span<const double> row(x.data.data() + static_cast<std::size_t>(t) * columns, columns);
    ids.data.push_back(static_cast<double>(first_largest(row)));
  }
  outputs = {std::move(ids)};
}

}  // namespace

const OpDefinition argmax_op{.name = "argmax",
                             .inputs = kInputs,
                             .outputs = kOutputs,
                             .parse = parse,
                             .infer = infer,
                             .reference = reference,
                             .work = work_per_input<1>};

}  // namespace attune
