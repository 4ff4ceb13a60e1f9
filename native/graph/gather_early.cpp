#include "graph/gather_early.h"

#include <algorithm>
#include <map>
#include <optional>
#include <ranges>
#include <utility>

namespace attune {
namespace {

[[nodiscard]] bool is_gather(const Node& node) { return node.op->name == "gather_rows"; }

/// The gathers that read a value, where nothing but gathers of the same rows does; else none.
[[nodiscard]] std::vector<std::size_t> gathers_alone(const Graph& graph, ValueId id) {
  std::vector<std::size_t> gathers;
  if (graph.is_output(id)) return {};
  for (std::size_t index = 0; index < graph.nodes().size(); ++index) {
    const Node& node = graph.nodes()[index];
    if (!reads(node, id)) continue;
    if (!is_gather(node) || node.inputs[0] != id) return {};
    if (!gathers.empty() && graph.nodes()[gathers.front()].inputs[1] != node.inputs[1]) return {};
    gathers.push_back(index);
  }
  return gathers;
}

/// Whether gather_rows takes rows of it.
[[nodiscard]] bool has_rows(const ValueType& type) {
  return type.dimensions.size() == 2 || (type.dimensions.size() == 1 && type.dtype == DType::i32);
}

/// Whether some of its rows can be made without the others: what a norm makes beside its first output has
/// rows too.
[[nodiscard]] bool can_make_some_rows(const Graph& graph, const Node& node) {
  const OpDefinition& op = *node.op;
  const auto given = [&](std::size_t input) {
    return input < node.inputs.size() && node.inputs[input] != kNone;
  };
  if (op.row_inputs.empty()) return false;
  if (op.row_numbers != OpDefinition::kNoInput &&
      (given(op.row_numbers) || !op.can_pick_rows(node.arguments, node.inputs))) {
    return false;
  }
  return std::none_of(node.outputs.begin() + 1, node.outputs.end(),
                      [&](ValueId id) { return graph.is_read(id); }) &&
         std::all_of(op.row_inputs.begin(), op.row_inputs.end(), [&](std::size_t input) {
           return !given(input) || has_rows(graph.value(node.inputs[input]).type);
         });
}

/// The node whose output the gathers read reads gathered rows itself, and the gathers are no more.
void move_up(Graph& graph, const std::vector<std::size_t>& gathers) {
  const Node gather = graph.nodes()[gathers.front()];
  const ValueId made = gather.inputs[0];
  const ValueId rows = gather.inputs[1];
  for (const std::size_t last : std::views::reverse(gathers)) {
    graph.replace_uses(graph.nodes()[last].outputs[0], made);
    graph.remove(last);
  }
  auto index = static_cast<std::size_t>(graph.value(made).producer);
  const OpDefinition& op = *graph.nodes()[index].op;
  std::vector<ValueId> inputs = graph.nodes()[index].inputs;
  if (op.row_numbers != OpDefinition::kNoInput) {
    inputs.resize(op.inputs.size(), kNone);
    inputs[op.row_numbers] = rows;
  }
  for (const std::size_t input : op.row_inputs) {
    if (input >= inputs.size() || inputs[input] == kNone) continue;
    inputs[input] =
        graph.insert(index, *gather.op, gather.path, {inputs[input], rows}, gather.arguments).front();
    ++index;
  }
  graph.resize(index, std::move(inputs));
}

/// The gathers of a value of which only some rows are read, if these can be made without the others.
[[nodiscard]] std::optional<std::vector<std::size_t>> find_movable(const Graph& graph) {
  for (std::size_t index = graph.nodes().size(); index-- > 0;) {
    const Node& node = graph.nodes()[index];
    if (!is_gather(node)) continue;
    const Value& read = graph.value(node.inputs[0]);
    if (read.producer < 0) continue;
    if (!can_make_some_rows(graph, graph.nodes()[static_cast<std::size_t>(read.producer)])) continue;
    std::vector<std::size_t> gathers = gathers_alone(graph, node.inputs[0]);
    if (!gathers.empty()) return gathers;
  }
  return std::nullopt;
}

/// Gathers of the same rows of the same value become one.
void merge(Graph& graph) {
  std::map<std::pair<ValueId, ValueId>, ValueId> known;
  for (std::size_t index = 0; index < graph.nodes().size();) {
    const Node& node = graph.nodes()[index];
    const bool repeated =
        is_gather(node) && !known.try_emplace({node.inputs[0], node.inputs[1]}, node.outputs[0]).second;
    if (!repeated) {
      ++index;
      continue;
    }
    graph.replace_uses(node.outputs[0], known.at({node.inputs[0], node.inputs[1]}));
    graph.remove(index);
  }
}

}  // namespace

void gather_early(Graph& graph) {
  while (const auto gathers = find_movable(graph)) move_up(graph, *gathers);
  merge(graph);
}

}  // namespace attune
