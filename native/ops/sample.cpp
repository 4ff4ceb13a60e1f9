// sample: ids[t] drawn from softmax(x[t] / temperature[t]) over what top_k, top_p and min_p keep.
//   x (T, V), temperature, top_k, top_p, min_p (T), uniform (T, 2), ids (T)

#include "kernels/sample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "ops/loss.h"
#include "ops/table.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, 6> kInputs{"x", "temperature", "top_k", "top_p", "min_p", "uniform"};
constexpr std::array<std::string_view, 1> kOutputs{"ids"};
/// Softmax, the comparison of each filter, and the running sum.
constexpr int kOperations = kSoftmaxOperations + 4;

std::any parse(const Attributes& /*attributes*/) { return SampleArguments{}; }

std::vector<ValueType> infer(const std::any& /*any*/, const InferContext& context) {
  context.check_rank(0, "x", 2);
  context.check_activation(0, "x");
  const Dimension rows = context.in(0, "x").dimensions[0];
  const auto check = [&](std::size_t input, const ValueType& type) {
    context.check_dtype(input, kInputs[input], type.dtype);
    context.check_same_shape(input, kInputs[input], type);
  };
  for (const std::size_t input : {1, 3, 4}) check(input, {{rows}, DType::f32});
  check(2, {{rows}, DType::i32});
  check(5, {{rows, {.fixed = 2}}, DType::i32});
  return {{{rows}, DType::i32}};
}

struct ReferenceSettings {
  double temperature = 1.0;
  std::int64_t top_k = 0;
  double top_p = 1.0;
  double min_p = 0.0;
  double uniform = 0.0;
};

/// From the likeliest on, of equals by their id.
[[nodiscard]] std::vector<std::size_t> likeliest_first(std::span<const double> scores) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  return order;
}

/// exp(score - most), each id's; 0 of what is not kept.
[[nodiscard]] std::vector<double> kept_weights(std::span<const double> scores,
                                               const ReferenceSettings& settings) {
  const std::vector<std::size_t> order = likeliest_first(scores);
  const double most = scores[order.front()];
  const auto weight = [&](std::size_t id) {
    return scores[id] == most ? 1.0 : std::exp((scores[id] - most) / settings.temperature);
  };
  std::size_t count = order.size();
  if (settings.top_k > 0 && settings.top_k < static_cast<std::int64_t>(count)) {
    count = static_cast<std::size_t>(settings.top_k);
    while (count < order.size() && scores[order[count]] == scores[order[count - 1]]) ++count;
  }
  double sum = 0.0;
  for (std::size_t i = 0; i < count; ++i) sum += weight(order[i]);
  std::vector<double> weights(scores.size(), 0.0);
  double before = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    const double here = weight(order[i]);
    if (i > 0 && settings.top_p < 1.0 && before >= settings.top_p * sum) break;
    if (here >= settings.min_p) weights[order[i]] = here;
    before += here;
  }
  return weights;
}

[[nodiscard]] std::size_t draw(std::span<const double> weights, double uniform) {
  const double target = uniform * std::accumulate(weights.begin(), weights.end(), 0.0);
  double sum = 0.0;
  std::size_t last = 0;
  for (std::size_t id = 0; id < weights.size(); ++id) {
    if (weights[id] == 0.0) continue;
    sum += weights[id];
    last = id;
    if (target < sum) break;
  }
  return last;  // rounding may leave the sum a little below the whole
}

void reference(const std::any& /*any*/, std::span<const ReferenceTensor> inputs,
               std::vector<ReferenceTensor>& outputs) {
  const ReferenceTensor& x = inputs[0];
  const auto columns = static_cast<std::size_t>(x.shape[1]);
  ReferenceTensor ids{.shape = {x.shape[0]}, .data = {}, .present = true};
  for (std::size_t t = 0; t < static_cast<std::size_t>(x.shape[0]); ++t) {
    const auto row = x.data.begin() + static_cast<std::ptrdiff_t>(t * columns);
    std::vector<double> scores(row, row + static_cast<std::ptrdiff_t>(columns));
    constexpr double kLeast = -std::numeric_limits<double>::infinity();
    for (double& score : scores) score = std::isnan(score) ? kLeast : score;
    const std::vector<double>& bits = inputs[5].data;
    const ReferenceSettings settings{.temperature = inputs[1].data[t],
                                     .top_k = static_cast<std::int64_t>(inputs[2].data[t]),
                                     .top_p = inputs[3].data[t],
                                     .min_p = inputs[4].data[t],
                                     .uniform = (bits[2 * t] * 0x1p26 + bits[2 * t + 1]) * 0x1p-53};
    const bool any = std::any_of(scores.begin(), scores.end(), [](double score) { return score > kLeast; });
    ids.data.push_back(any ? static_cast<double>(draw(kept_weights(scores, settings), settings.uniform)) : 0);
  }
  outputs = {std::move(ids)};
}

}  // namespace

const OpDefinition sample_op{.name = "sample",
                             .inputs = kInputs,
                             .outputs = kOutputs,
                             .parse = parse,
                             .infer = infer,
                             .reference = reference,
                             .work = work_per_input<kOperations>};

}  // namespace attune
