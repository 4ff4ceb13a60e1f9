#include "graph/differentiate.h"

#include <algorithm>
#include <utility>

#include "kernels/add.h"

namespace attune {
namespace {

class Walk;

/// What one node's rule sees.
class NodeContext final : public GradientContext {
 public:
  NodeContext(Walk& walk, std::size_t node) : walk_(walk), node_(node) {}

  [[nodiscard]] const std::any& arguments() const override;
  [[nodiscard]] ValueId input(std::size_t index) const override;
  [[nodiscard]] ValueId output(std::size_t index) const override;
  [[nodiscard]] ValueId output_gradient(std::size_t index) const override;
  [[nodiscard]] bool wants(std::size_t index) const override;
  [[nodiscard]] ValueId take_partial(std::size_t index) override;
  std::vector<ValueId> add(std::string_view op, std::any arguments, std::vector<ValueId> inputs) override;
  void give(std::size_t index, ValueId gradient) override;
  std::vector<ValueId> extend_forward(std::any arguments) override;
  [[nodiscard]] const ValueType& type(ValueId value) const override;

 private:
  Walk& walk_;
  std::size_t node_;
};

class Walk {
 public:
  Walk(Graph& graph, const std::map<ValueId, ValueId>& seeds, const std::vector<ValueId>& wrt)
      : graph_(graph),
        partial_(seeds),
        needed_(graph.values().size(), false),
        is_leaf_(graph.values().size(), false) {
    for (const ValueId id : wrt) {
      needed_.at(static_cast<std::size_t>(id)) = true;
      is_leaf_.at(static_cast<std::size_t>(id)) = true;
    }
    for (const Node& node : graph.nodes()) {
      const bool reaches =
          std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) { return needs(id); });
      if (!reaches) continue;
      for (const ValueId id : node.outputs) needed_.at(static_cast<std::size_t>(id)) = true;
    }
  }

  [[nodiscard]] Gradients run() {
    for (std::size_t index = graph_.nodes().size(); index-- > 0;) {
      const std::vector<ValueId> outputs = graph_.nodes()[index].outputs;
      const bool reached = std::any_of(outputs.begin(), outputs.end(),
                                       [&](ValueId id) { return needs(id) && partial_.contains(id); });
      if (!reached) continue;
      const OpDefinition& op = *graph_.nodes()[index].op;
      if (op.gradient == nullptr) {
        const std::string& path = graph_.nodes()[index].path;
        throw Error("not-differentiable", path,
                    std::string(op.name) + " at " + path +
                        " has no gradient. Train with a graph that does not use it.");
      }
      NodeContext context(*this, index);
      op.gradient(context);
    }
    // What arrives at a leaf that is not a parameter has been summed on the way.
    for (const auto& [value, gradient] : partial_) {
      if (is_leaf(value) && gradient >= 0) gradients_.contributions[value] = {gradient};
    }
    return std::move(gradients_);
  }

  [[nodiscard]] bool needs(ValueId id) const {
    return id >= 0 && static_cast<std::size_t>(id) < needed_.size() && needed_[static_cast<std::size_t>(id)];
  }
  [[nodiscard]] bool is_parameter(ValueId id) const { return graph_.value(id).kind == ValueKind::parameter; }

  void give(std::size_t node, ValueId value, ValueId gradient) {
    if (!needs(value)) return;
    const std::string path = graph_.nodes()[node].path;
    if (is_parameter(value)) {
      gradients_.contributions[value].push_back(to_accumulating(gradient, path));
      return;
    }
    const auto known = partial_.find(value);
    if (known == partial_.end()) {
      partial_[value] = gradient;
      return;
    }
    known->second = graph_.add_node(find_op("add"), path, {known->second, gradient}, AddArguments{}).front();
  }

  Graph& graph() { return graph_; }
  std::map<ValueId, ValueId>& partial() { return partial_; }

 private:
  [[nodiscard]] bool is_leaf(ValueId id) const {
    return static_cast<std::size_t>(id) < is_leaf_.size() && is_leaf_[static_cast<std::size_t>(id)];
  }

  /// A parameter's gradient is written into its own buffer, so its producer must be able to add to what is
  /// there, and the value must have no other use.
  [[nodiscard]] ValueId to_accumulating(ValueId gradient, const std::string& path) {
    const Value& value = graph_.value(gradient);
    if (value.kind == ValueKind::computed) {
      const Node& producer = graph_.nodes()[static_cast<std::size_t>(value.producer)];
      const auto place = static_cast<std::size_t>(
          std::find(producer.outputs.begin(), producer.outputs.end(), gradient) - producer.outputs.begin());
      if (place >= producer.op->accumulates_from) return gradient;
    }
    return graph_.add_node(find_op("accumulate_gradient"), path, {gradient}, AddArguments{}).front();
  }

  Graph& graph_;
  std::map<ValueId, ValueId> partial_;
  std::vector<bool> needed_;
  std::vector<bool> is_leaf_;
  Gradients gradients_;
};

const std::any& NodeContext::arguments() const { return walk_.graph().nodes()[node_].arguments; }

ValueId NodeContext::input(std::size_t index) const {
  const std::vector<ValueId>& inputs = walk_.graph().nodes()[node_].inputs;
  return index < inputs.size() ? inputs[index] : kNone;
}

ValueId NodeContext::output(std::size_t index) const {
  return walk_.graph().nodes()[node_].outputs.at(index);
}

ValueId NodeContext::output_gradient(std::size_t index) const {
  const auto found = walk_.partial().find(output(index));
  return found == walk_.partial().end() ? kNone : found->second;
}

bool NodeContext::wants(std::size_t index) const { return walk_.needs(input(index)); }

ValueId NodeContext::take_partial(std::size_t index) {
  const ValueId value = input(index);
  if (value == kNone || walk_.is_parameter(value)) return kNone;
  const auto found = walk_.partial().find(value);
  if (found == walk_.partial().end()) return kNone;
  const ValueId partial = found->second;
  walk_.partial().erase(found);
  return partial;
}

std::vector<ValueId> NodeContext::add(std::string_view op, std::any arguments, std::vector<ValueId> inputs) {
  const std::string path = walk_.graph().nodes()[node_].path;
  return walk_.graph().add_node(find_op(op), path, std::move(inputs), std::move(arguments));
}

void NodeContext::give(std::size_t index, ValueId gradient) { walk_.give(node_, input(index), gradient); }

std::vector<ValueId> NodeContext::extend_forward(std::any arguments) {
  walk_.graph().rewrite(node_, std::move(arguments));
  return walk_.graph().nodes()[node_].outputs;
}

const ValueType& NodeContext::type(ValueId value) const { return walk_.graph().value(value).type; }

}  // namespace

Gradients differentiate(Graph& graph, const std::map<ValueId, ValueId>& seeds,
                        const std::vector<ValueId>& wrt) {
  return Walk(graph, seeds, wrt).run();
}

}  // namespace attune
