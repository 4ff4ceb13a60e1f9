#include "graph/plan.h"

#include <algorithm>

#include "core/aligned_memory.h"

namespace attune {
namespace {

/// A buffer that lives from node `first` to node `last`, both included.
struct Buffer {
  std::size_t bytes;
  std::int64_t first;
  std::int64_t last;
  std::size_t* offset;
};

/// Largest first, each at the lowest offset where it meets no buffer that lives at the same time
/// (greedy by size, Pisarchyk & Lee 2020, "Efficient memory management for deep neural net inference").
[[nodiscard]] std::size_t assign_offsets(std::vector<Buffer> buffers) {
  std::stable_sort(buffers.begin(), buffers.end(),
                   [](const Buffer& a, const Buffer& b) { return a.bytes > b.bytes; });
  std::vector<const Buffer*> placed;  // by offset
  std::size_t arena = 0;
  for (const Buffer& buffer : buffers) {
    std::size_t offset = 0;
    for (const Buffer* other : placed) {
      if (other->last < buffer.first || buffer.last < other->first) continue;
      if (offset + buffer.bytes <= *other->offset) break;
      offset = std::max(offset, *other->offset + other->bytes);
    }
    *buffer.offset = offset;
    arena = std::max(arena, offset + buffer.bytes);
    const auto place =
        std::upper_bound(placed.begin(), placed.end(), offset,
                         [](std::size_t value, const Buffer* other) { return value < *other->offset; });
    placed.insert(place, &buffer);
  }
  return arena;
}

[[nodiscard]] std::vector<TensorView> shape_views(const Graph& graph, const Plan& plan,
                                                  const std::vector<ValueId>& ids, std::size_t all) {
  std::vector<TensorView> views;
  for (const ValueId id : ids) {
    TensorView view;
    if (id != kNone) {
      view.present = true;
      view.dtype = graph.value(id).type.dtype;
      view.shape = plan.shapes[static_cast<std::size_t>(id)];
    }
    views.push_back(view);
  }
  views.resize(all);  // those left out at the end are absent
  return views;
}

/// A node as its kernel sees it, without data.
struct ShapedCall {
  const Node& node;
  std::vector<TensorView> inputs;
  std::vector<TensorView> outputs;

  ShapedCall(const Graph& graph, const Plan& plan, const Node& of)
      : node(of),
        inputs(shape_views(graph, plan, of.inputs, of.op->inputs.size())),
        outputs(shape_views(graph, plan, of.outputs, of.op->outputs.size())) {}
  [[nodiscard]] KernelCall call(bool shares) const {
    return {.arguments = node.arguments, .inputs = inputs, .outputs = outputs, .shares = shares};
  }
};

/// A form of its first input that a node can leave for others, and those that read it.
struct Offer {
  const OpDefinition* op;
  ValueId value;
  SharedForm form;
  std::vector<std::size_t> nodes;

  [[nodiscard]] bool suits(const Offer& other) const {
    return op == other.op && value == other.value && form == other.form;
  }
};

/// Queries, keys and values of a layer read the same rows, gate and up too. Within so many nodes: what the
/// whole model reads again and again is not kept for that long.
constexpr std::size_t kNearNodes = 16;

[[nodiscard]] std::vector<Plan::Shared> share_inputs(const Graph& graph,
                                                     const std::vector<const Kernel*>& kernels,
                                                     const Plan& plan) {
  std::vector<Offer> offers;
  for (std::size_t index = 0; index < kernels.size(); ++index) {
    const Node& node = graph.nodes()[index];
    // A state changes while a run goes on.
    if (kernels[index]->shared == nullptr || graph.value(node.inputs[0]).kind == ValueKind::state) continue;
    const SharedForm form = kernels[index]->shared(ShapedCall(graph, plan, node).call(true));
    if (form.bytes == 0) continue;
    Offer offer{node.op, node.inputs[0], form, {index}};
    const auto known = std::find_if(offers.rbegin(), offers.rend(), [&](const Offer& other) {
      return other.suits(offer) && index - other.nodes.back() <= kNearNodes;
    });
    if (known != offers.rend()) {
      known->nodes.push_back(index);
    } else {
      offers.push_back(std::move(offer));
    }
  }
  std::vector<Plan::Shared> shared;
  for (Offer& offer : offers) {
    if (offer.nodes.size() > 1)
      shared.push_back({.offset = 0, .bytes = align_up(offer.form.bytes), .nodes = std::move(offer.nodes)});
  }
  return shared;
}

}  // namespace

Plan plan_memory(const Graph& graph, const std::vector<const Kernel*>& kernels, const Sizes& sizes,
                 int threads, const std::function<bool(ValueId)>& outside,
                 const std::map<std::string, ParameterGradient>& gradients) {
  Plan plan;
  const std::size_t values = graph.values().size();
  const std::size_t nodes = graph.nodes().size();
  plan.offsets.assign(values, Plan::kNowhere);
  plan.scratch_offsets.assign(nodes, 0);
  plan.scratch_bytes.assign(nodes, 0);
  for (const Value& value : graph.values()) plan.shapes.push_back(graph.bind(value.type, sizes));

  std::vector<std::int64_t> first(values, -1);
  std::vector<std::int64_t> last(values, -1);
  for (std::size_t index = 0; index < nodes; ++index) {
    const auto now = static_cast<std::int64_t>(index);
    for (const ValueId id : graph.nodes()[index].outputs) {
      first[static_cast<std::size_t>(id)] = now;
      last[static_cast<std::size_t>(id)] = now;
    }
    for (const ValueId id : graph.nodes()[index].inputs) {
      if (id != kNone) last[static_cast<std::size_t>(id)] = now;
    }
  }
  for (const auto& [name, id] : graph.outputs())
    last[static_cast<std::size_t>(id)] = static_cast<std::int64_t>(nodes);

  std::vector<Buffer> buffers;
  for (std::size_t id = 0; id < values; ++id) {
    if (outside(static_cast<ValueId>(id))) continue;
    // Its node was fused into another one.
    if (graph.values()[id].kind == ValueKind::computed && graph.values()[id].producer < 0) continue;
    const std::size_t bytes = align_up(static_cast<std::size_t>(plan.shapes[id].elements()) *
                                       size_of(graph.values()[id].type.dtype));
    buffers.push_back({bytes, first[id], last[id], &plan.offsets[id]});
  }
  plan.shared = share_inputs(graph, kernels, plan);
  plan.shared_of.assign(nodes, -1);
  for (std::size_t i = 0; i < plan.shared.size(); ++i) {
    Plan::Shared& shared = plan.shared[i];
    for (const std::size_t index : shared.nodes) plan.shared_of[index] = static_cast<std::int32_t>(i);
    buffers.push_back({shared.bytes, static_cast<std::int64_t>(shared.nodes.front()),
                       static_cast<std::int64_t>(shared.nodes.back()), &shared.offset});
  }
  for (std::size_t index = 0; index < nodes; ++index) {
    if (kernels[index]->scratch == nullptr) continue;
    const ShapedCall shaped(graph, plan, graph.nodes()[index]);
    plan.scratch_bytes[index] =
        align_up(kernels[index]->scratch(shaped.call(plan.shared_of[index] >= 0), threads));
    buffers.push_back({plan.scratch_bytes[index], static_cast<std::int64_t>(index),
                       static_cast<std::int64_t>(index), &plan.scratch_offsets[index]});
  }
  for (const auto& [name, gradient] : gradients) {
    auto made = static_cast<std::int64_t>(nodes);
    for (const ValueId id : gradient.contributions)
      made = std::min(made, first[static_cast<std::size_t>(id)]);
    buffers.push_back(
        {align_up(gradient.bytes), made, static_cast<std::int64_t>(nodes), &plan.gradients[name]});
    plan.gradient_bytes += gradient.bytes;
  }
  plan.arena_bytes = assign_offsets(std::move(buffers));
  return plan;
}

}  // namespace attune
