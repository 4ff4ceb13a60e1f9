// mean_squared_error: predictions (R, C), targets (R, C), loss_scale (1);
//   loss (1), row_loss (R) = sum over C of the squared errors, dpredictions (R, C). A root: see ops/loss.h.

#include "kernels/mean_squared_error.h"

#include <array>

#include "ops/loss.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 3> kInputs{"predictions", "targets", "loss_scale"};
constexpr std::array<std::string_view, 3> kOutputs{"loss", "row_loss", "dpredictions"};

std::any parse(const Attributes& /*attributes*/) { return MeanSquaredErrorArguments{}; }

std::vector<ValueType> infer(const std::any& any, const InferContext& context) {
  context.check_rank(0, "predictions", 2);
  context.check_activation(0, "predictions");
  const ValueType& predictions = context.in(0, "predictions");
  context.check_dtype(1, "targets", DType::f32);
  context.check_same_shape(1, "targets", predictions);
  check_loss_scale(context, 2);
  std::vector<ValueType> outputs{loss_type(), {{predictions.dimensions[0]}, DType::f32}};
  if (std::any_cast<const MeanSquaredErrorArguments&>(any).predictions_gradient) {
    outputs.push_back(predictions);
  }
  return outputs;
}

void gradient(GradientContext& context) {
  check_root(context, "mean_squared_error");
  if (!context.wants(0)) return;
  context.give(0, context.extend_forward(MeanSquaredErrorArguments{.predictions_gradient = true})[2]);
}

void reference(const std::any& /*any*/, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const std::int64_t rows = inputs[0].shape[0];
  const std::int64_t columns = inputs[0].shape[1];
  ReferenceTensor row_loss{.shape = {rows}, .data = {}, .present = true};
  for (std::int64_t r = 0; r < rows; ++r) {
    double sum = 0.0;
    for (std::int64_t i = r * columns; i < (r + 1) * columns; ++i) {
      const double error = inputs[0].data[i] - inputs[1].data[i];
      sum += error * error;
    }
    row_loss.data.push_back(sum);
  }
  ReferenceTensor loss = reference_loss(row_loss, inputs[2]);
  outputs = {std::move(loss), std::move(row_loss)};
}

Work work(const KernelCall& call) {
  const int gradient = call.as<MeanSquaredErrorArguments>().predictions_gradient ? 2 : 0;
  return {.elements = (3 + gradient) * element_count(call.inputs[0])};
}

}  // namespace

const OpDefinition mean_squared_error_op{.name = "mean_squared_error",
                                         .inputs = kInputs,
                                         .outputs = kOutputs,
                                         .parse = parse,
                                         .infer = infer,
                                         .gradient = gradient,
                                         .reference = reference,
                                         .work = work};

}  // namespace attune
