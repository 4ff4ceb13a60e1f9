// gather_rows: y[r] = x[rows[r]].   x (T, C) or integers (T), rows (R) ascending and distinct, y (R, C) or
// (R) scatter_rows: its gradient; zero in the rows that were not taken.

#include "kernels/gather_rows.h"

#include <array>
#include <utility>

#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 2> kInputs{"x", "rows"};
constexpr std::array<std::string_view, 1> kOutputs{"y"};
constexpr std::array<std::string_view, 3> kScatterInputs{"dy", "rows", "like"};
constexpr std::array<std::string_view, 1> kScatterOutputs{"dx"};

std::any parse(const Attributes& /*attributes*/) { return GatherRowsArguments{}; }

std::vector<ValueType> infer(const std::any& /*any*/, const InferContext& context) {
  const bool integers = context.in(0, "x").dtype == DType::i32;
  context.check_rank(0, "x", integers ? 1 : 2);
  if (!integers) context.check_activation(0, "x");
  context.check_rank(1, "rows", 1);
  context.check_dtype(1, "rows", DType::i32);
  ValueType y = context.in(0, "x");
  y.dimensions[0] = context.in(1, "rows").dimensions[0];
  return {std::move(y)};
}

void gradient(GradientContext& context) {
  if (!context.wants(0)) return;
  context.give(0, context.add("scatter_rows", context.arguments(),
                              {context.output_gradient(0), context.input(1), context.input(0)})[0]);
}

void reference(const std::any& /*any*/, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const std::int64_t columns = inputs[0].shape.columns();
  const std::int64_t rows = inputs[1].shape[0];
  ReferenceTensor y{.shape = {rows}, .data = {}, .present = true};
  if (inputs[0].shape.rank() == 2) y.shape = {rows, columns};
  for (const double row : inputs[1].data) {
    for (std::int64_t c = 0; c < columns; ++c) {
      y.data.push_back(inputs[0].data[static_cast<std::int64_t>(row) * columns + c]);
    }
  }
  outputs = {std::move(y)};
}

std::vector<ValueType> infer_scatter(const std::any& /*any*/, const InferContext& context) {
  context.check_rank(0, "dy", 2);
  context.check_activation(0, "dy");
  context.check_rank(1, "rows", 1);
  context.check_dtype(1, "rows", DType::i32);
  context.check_dimension(1, "rows", 0, context.in(0, "dy").dimensions[0]);
  context.check_rank(2, "like", 2);
  context.check_activation(2, "like");
  context.check_dimension(2, "like", 1, context.in(0, "dy").dimensions[1]);
  return {context.in(2, "like")};
}

}  // namespace

const OpDefinition gather_rows_op{.name = "gather_rows",
                                  .inputs = kInputs,
                                  .outputs = kOutputs,
                                  .parse = parse,
                                  .infer = infer,
                                  .gradient = gradient,
                                  .reference = reference,
                                  .work = work_per_output<0>};

const OpDefinition scatter_rows_op{.name = "scatter_rows",
                                   .inputs = kScatterInputs,
                                   .outputs = kScatterOutputs,
                                   .parse = parse,
                                   .infer = infer_scatter,
                                   .work = work_per_output<0>};

}  // namespace attune
