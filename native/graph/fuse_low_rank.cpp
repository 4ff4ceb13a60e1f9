#include "graph/fuse_low_rank.h"

#include <algorithm>
#include <utility>

#include "kernels/linear.h"

namespace attune {
namespace {

enum Input : std::size_t { kX, kWeight, kBias, kLowRankInput, kLowRankWeight, kAddend, kInputs };

/// Deeper than this a product of its own costs little beside its work, and fusing would keep dy for longer.
constexpr std::int64_t kMostRank = 256;

[[nodiscard]] ValueId input_of(const Node& node, Input input) {
  return input < node.inputs.size() ? node.inputs[input] : kNone;
}

/// One product alone, and perhaps an addend.
[[nodiscard]] bool is_plain(const Node& node) {
  return node.op->name == "linear" && input_of(node, kLowRankInput) == kNone;
}

[[nodiscard]] bool is_thin(const Graph& graph, const Node& node) {
  const Dimension& depth = graph.value(node.inputs[kX]).type.dimensions[1];
  return depth.name < 0 && depth.fixed <= kMostRank;
}

[[nodiscard]] std::vector<int> count_uses(const Graph& graph, const std::function<bool(ValueId)>& kept) {
  std::vector<int> uses(graph.values().size(), 0);
  for (const Node& node : graph.nodes()) {
    for (const ValueId id : node.inputs) {
      if (id != kNone) ++uses[static_cast<std::size_t>(id)];
    }
  }
  for (const auto& [name, id] : graph.outputs()) ++uses[static_cast<std::size_t>(id)];
  for (std::size_t id = 0; id < uses.size(); ++id) {
    if (kept(static_cast<ValueId>(id))) ++uses[id];
  }
  return uses;
}

}  // namespace

void fuse_low_rank(Graph& graph, const std::function<bool(ValueId)>& kept) {
  const std::vector<int> uses = count_uses(graph, kept);
  for (std::size_t index = 0; index < graph.nodes().size(); ++index) {
    const Node& thin = graph.nodes()[index];
    if (!is_plain(thin) || input_of(thin, kBias) != kNone || !is_thin(graph, thin)) continue;
    const ValueId sum = input_of(thin, kAddend);
    if (sum == kNone || uses[static_cast<std::size_t>(sum)] != 1 || graph.value(sum).producer < 0) continue;
    const auto before = static_cast<std::size_t>(graph.value(sum).producer);
    const Node& wide = graph.nodes()[before];
    if (!is_plain(wide) || is_thin(graph, wide)) continue;

    auto arguments = std::any_cast<LinearArguments>(wide.arguments);
    const auto& low_rank = std::any_cast<const LinearArguments&>(thin.arguments);
    arguments.low_rank_layout = low_rank.layout;
    arguments.low_rank_scale = low_rank.scale;
    std::vector<ValueId> inputs(kInputs, kNone);
    std::copy(wide.inputs.begin(), wide.inputs.end(), inputs.begin());
    inputs[kLowRankInput] = thin.inputs[kX];
    inputs[kLowRankWeight] = thin.inputs[kWeight];
    graph.replace(index, arguments, std::move(inputs));
    graph.remove(before);
    --index;
  }
}

}  // namespace attune
