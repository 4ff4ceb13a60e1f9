#include "graph/schedule.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace attune {
namespace {

[[nodiscard]] std::vector<ValueId> inputs_among(const Graph& graph, const std::vector<bool>& wanted) {
  std::vector<ValueId> inputs;
  for (std::size_t id = 0; id < wanted.size(); ++id) {
    if (wanted[id] && graph.values()[id].kind == ValueKind::input) inputs.push_back(static_cast<ValueId>(id));
  }
  return inputs;
}

}  // namespace

Schedule whole_schedule(const Graph& graph, std::shared_ptr<const Plan> plan) {
  Schedule schedule{.plan = std::move(plan), .nodes = {}, .inputs = {}};
  schedule.nodes.resize(graph.nodes().size());
  std::iota(schedule.nodes.begin(), schedule.nodes.end(), std::size_t{0});
  schedule.inputs = inputs_among(graph, std::vector<bool>(graph.values().size(), true));
  return schedule;
}

Schedule schedule_of(const Graph& graph, const std::vector<ValueId>& wanted,
                     std::shared_ptr<const Plan> plan) {
  std::vector<bool> is_wanted(graph.values().size(), false);
  const auto want = [&](ValueId id) { is_wanted[static_cast<std::size_t>(id)] = true; };
  std::for_each(wanted.begin(), wanted.end(), want);
  Schedule schedule{.plan = std::move(plan), .nodes = {}, .inputs = {}};
  for (std::size_t index = graph.nodes().size(); index-- > 0;) {
    const Node& node = graph.nodes()[index];
    const bool leads = std::any_of(node.outputs.begin(), node.outputs.end(),
                                   [&](ValueId id) { return is_wanted[static_cast<std::size_t>(id)]; });
    const bool writes = std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) {
      return id != kNone && graph.value(id).kind == ValueKind::state;
    });
    if (!leads && !writes) continue;
    schedule.nodes.push_back(index);
    for (const ValueId id : node.inputs) {
      if (id != kNone) want(id);
    }
  }
  std::reverse(schedule.nodes.begin(), schedule.nodes.end());
  schedule.inputs = inputs_among(graph, is_wanted);
  return schedule;
}

}  // namespace attune
