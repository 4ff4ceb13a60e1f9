#include "graph/rematerialize.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace attune {
namespace {

/// A pass or two over memory, beside the matrix products that read what they make.
constexpr std::array<std::string_view, 4> kCheap{"activation", "gated_activation", "layer_norm", "rms_norm"};

struct Uses {
  std::ptrdiff_t first = -1;  ///< in the backward pass; -1: none
  std::ptrdiff_t last = -1;
};

[[nodiscard]] Uses uses_after(const Graph& graph, ValueId id, std::size_t forward) {
  Uses uses;
  for (std::size_t index = forward; index < graph.nodes().size(); ++index) {
    if (!reads(graph.nodes()[index], id)) continue;
    if (uses.first < 0) uses.first = static_cast<std::ptrdiff_t>(index);
    uses.last = static_cast<std::ptrdiff_t>(index);
  }
  return uses;
}

/// Whether the value is there at the node anyway.
[[nodiscard]] bool lives_until(const Graph& graph, ValueId id, std::size_t forward, std::ptrdiff_t node) {
  return id == kNone || graph.value(id).kind != ValueKind::computed || graph.is_output(id) ||
         uses_after(graph, id, forward).last >= node;
}

}  // namespace

void rematerialize(Graph& graph, std::size_t forward) {
  for (std::size_t index = 0; index < forward; ++index) {
    const Node node = graph.nodes()[index];
    if (std::find(kCheap.begin(), kCheap.end(), node.op->name) == kCheap.end()) continue;
    const ValueId made = node.outputs[0];
    const Uses uses = uses_after(graph, made, forward);
    if (uses.first < 0 || graph.is_output(made)) continue;
    const bool free = std::all_of(node.inputs.begin(), node.inputs.end(),
                                  [&](ValueId id) { return lives_until(graph, id, forward, uses.first); });
    if (free) graph.remake(index, static_cast<std::size_t>(uses.first));
  }
}

}  // namespace attune
