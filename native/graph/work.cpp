#include "graph/work.h"

namespace attune {
namespace {

/// The values of an i32 input, where the batch brings them.
[[nodiscard]] const std::byte* values_of(const Value& value, const Shape& shape, const Batch& batch) {
  if (value.kind != ValueKind::input || value.type.dtype != DType::i32) return nullptr;
  const auto found = batch.inputs.find(value.name);
  if (found == batch.inputs.end()) return nullptr;
  if (found->second.dtype != DType::i32 ||
      found->second.bytes.size() != static_cast<std::size_t>(shape.elements()) * sizeof(std::int32_t)) {
    throw Error("invalid-batch", value.name, "Input " + value.name + " must be i32" + shape.text() + ".");
  }
  return found->second.bytes.data();
}

}  // namespace

std::vector<NodeCost> count_costs(const Graph& graph, const Batch& batch) {
  const Sizes sizes = bind_sizes(graph, batch.sizes);
  std::vector<TensorView> views;
  for (const Value& value : graph.values()) {
    TensorView view;
    view.present = true;
    view.dtype = value.type.dtype;
    view.shape = graph.bind(value.type, sizes);
    // Rules only read: the view's pointer is not const because kernels write through theirs.
    view.data = const_cast<std::byte*>(values_of(value, view.shape, batch));
    views.push_back(view);
  }
  std::vector<NodeCost> costs;
  std::vector<TensorView> inputs;
  std::vector<TensorView> outputs;
  for (const Node& node : graph.nodes()) {
    inputs.clear();
    outputs.clear();
    for (const ValueId id : node.inputs)
      inputs.push_back(id == kNone ? TensorView{} : views[static_cast<std::size_t>(id)]);
    inputs.resize(node.op->inputs.size());  // those left out at the end are absent
    for (const ValueId id : node.outputs) outputs.push_back(views[static_cast<std::size_t>(id)]);
    outputs.resize(node.op->outputs.size());
    const KernelCall call{.arguments = node.arguments, .inputs = inputs, .outputs = outputs};
    costs.push_back({.node = &node, .work = node.op->work(call), .bytes = moved_bytes(call)});
  }
  return costs;
}

Work count_work(const Graph& graph, const Batch& batch) {
  Work total;
  for (const NodeCost& cost : count_costs(graph, batch)) total += cost.work;
  return total;
}

}  // namespace attune
