#include "graph/fuse_activation.h"

#include "kernels/linear.h"

namespace attune {
namespace {

/// Whether the node right before `index`, of which there is one, gives what its activation reads, and can
/// apply it.
[[nodiscard]] bool follows_linear(const Graph& graph, std::size_t index) {
  if (graph.nodes()[index].op->name != "activation") return false;
  const Node& before = graph.nodes()[index - 1];
  return before.op->name == "linear" && before.outputs[0] == graph.nodes()[index].inputs[0] &&
         !std::any_cast<const LinearArguments&>(before.arguments).activation.has_value();
}

}  // namespace

void fuse_activation(Graph& graph) {
  for (std::size_t index = 1; index < graph.nodes().size(); ++index) {
    if (!follows_linear(graph, index)) continue;
    const ValueId result = graph.nodes()[index].outputs[0];
    const ValueId first = graph.nodes()[index - 1].outputs[0];
    auto arguments = std::any_cast<LinearArguments>(graph.nodes()[index - 1].arguments);
    arguments.activation = std::any_cast<const ActivationArguments&>(graph.nodes()[index].arguments).kind;
    arguments.keeps_sum = graph.is_read(first, index + 1);
    graph.rewrite(index - 1, arguments);
    // The node's first output is what the activation gave from here on.
    if (arguments.keeps_sum) graph.replace_uses(first, graph.nodes()[index - 1].outputs[1], index + 1);
    graph.replace_uses(result, first);
    graph.remove(index);
    --index;
  }
}

}  // namespace attune
