#include "graph/program.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "graph/differentiate.h"
#include "graph/fuse_activation.h"
#include "graph/fuse_low_rank.h"
#include "graph/gather_early.h"
#include "graph/recompute_blocks.h"
#include "graph/rematerialize.h"
#include "kernels/required_kernel.h"

namespace attune {
namespace {

/// Ragged batches have ever new sizes; those that come back (decoding, evaluation) come back soon.
constexpr std::size_t kKeptPlans = 16;

[[nodiscard]] ValueId find_seed(const Graph& graph, const std::string& name) {
  const ValueId input = graph.find(ValueKind::input, name);
  return input != kNone ? input : graph.find(ValueKind::parameter, name);
}

[[nodiscard]] ValueId find_output(const Graph& graph, const std::string& name) {
  const auto found = graph.outputs().find(name);
  if (found == graph.outputs().end())
    throw Error("missing-input", name, "The graph has no output " + name + ".");
  return found->second;
}

}  // namespace

Program::Program(Graph graph, ParameterStore& parameters, std::shared_ptr<Device> device, int threads,
                 const CompileOptions& options)
    : graph_(std::move(graph)), device_(std::move(device)), threads_(threads) {
  for (const Value& value : graph_.values()) {
    if (value.kind != ValueKind::parameter) continue;
    const Parameter& parameter = parameters.at(value.name);
    const Shape shape = graph_.bind(value.type, {});
    if (!(parameter.shape == shape) || parameter.dtype != value.type.dtype) {
      throw Error("shape-mismatch", value.name,
                  "Parameter " + value.name + " is " + std::string(name_of(parameter.dtype)) +
                      parameter.shape.text() + " but the graph uses it as " +
                      std::string(name_of(value.type.dtype)) + shape.text() + ".");
    }
  }
  gather_early(graph_);
  if (!options.loss.empty() || !options.seeds.empty()) differentiate_graph(parameters, options);
  const Kernel* linear = device_->kernels().find("linear", graph_.activation_dtype());
  if (linear != nullptr && linear->activates) fuse_activation(graph_);
  choose_kernels();
  for (std::size_t id = 0; id < graph_.values().size(); ++id) {
    const Value& value = graph_.values()[id];
    if (value.kind != ValueKind::state) continue;
    const auto bytes =
        static_cast<std::size_t>(graph_.bind(value.type, {}).elements()) * size_of(value.type.dtype);
    states_.emplace(static_cast<ValueId>(id), device_->allocate(bytes, value.name.c_str()));
  }
}

void Program::differentiate_graph(ParameterStore& parameters, const CompileOptions& options) {
  has_backward_ = true;
  std::map<ValueId, ValueId> seeds;
  if (!options.loss.empty()) seeds[find_output(graph_, options.loss)] = kUnitGradient;
  for (const auto& [output, source] : options.seeds) {
    const ValueId seed = find_seed(graph_, source);
    if (seed == kNone)
      throw Error("missing-input", source, "The graph has no input or parameter " + source + ".");
    seeds[find_output(graph_, output)] = seed;
  }
  std::vector<ValueId> wrt;
  for (const auto& [name, parameter] : parameters.all()) {
    if (!parameter.trainable) continue;
    add_gradient(parameter, {});
    const ValueId id = graph_.find(ValueKind::parameter, name);
    if (id != kNone) wrt.push_back(id);
  }
  for (const std::string& name : options.wrt) {
    const ValueId id = find_seed(graph_, name);
    if (id != kNone) {
      wrt.push_back(id);
    } else if (parameters.all().contains(name)) {
      add_gradient(parameters.at(name), {});
    } else {
      throw Error("missing-input", name, "The graph has no input or parameter " + name + ".");
    }
  }

  const std::size_t forward = graph_.nodes().size();
  const Gradients gradients = differentiate(graph_, seeds, wrt);
  for (const ValueId id : wrt) {
    const Value value = graph_.value(id);
    const auto found = gradients.contributions.find(id);
    if (value.kind == ValueKind::parameter) {
      add_gradient(parameters.at(value.name),
                   found == gradients.contributions.end() ? std::vector<ValueId>{} : found->second);
    } else if (found != gradients.contributions.end()) {
      graph_.output("grad:" + value.name, found->second.front());
    }
  }
  if (options.gradient_checkpointing) recompute_blocks(graph_, forward);
  rematerialize(graph_, forward);
  fuse_low_rank(graph_, [this](ValueId id) { return gradient_targets_.contains(id); });
}

void Program::add_gradient(const Parameter& parameter, const std::vector<ValueId>& contributions) {
  gradients_[parameter.name] = {.bytes = static_cast<std::size_t>(parameter.elements()) * sizeof(float),
                                .contributions = contributions};
  bool adds = false;
  for (const ValueId contribution : contributions) {
    gradient_targets_[contribution] = {parameter.name, adds};
    adds = true;
  }
}

void Program::choose_kernels() {
  for (const Node& node : graph_.nodes()) {
    const Kernel& kernel = required_kernel(*device_, node.op->name, graph_.activation_dtype(), node.path);
    if (kernel.check != nullptr) kernel.check(node.arguments, node.path);
    kernels_.push_back(&kernel);
  }
}

std::shared_ptr<const Plan> Program::plan(const Sizes& sizes, GradientPlace place) {
  const std::scoped_lock lock(plans_mutex_);
  const auto known = std::find_if(plans_.begin(), plans_.end(), [&](const KnownPlan& entry) {
    return entry.sizes == sizes && entry.place == place;
  });
  if (known != plans_.end()) return known->plan;
  const auto outside = [this](ValueId id) {
    const ValueKind kind = graph_.value(id).kind;
    return kind == ValueKind::parameter || kind == ValueKind::state || gradient_targets_.contains(id);
  };
  const std::map<std::string, ParameterGradient> none;
  auto made = std::make_shared<const Plan>(plan_memory(graph_, kernels_, sizes, threads_, outside,
                                                       place == GradientPlace::arena ? gradients_ : none));
  if (plans_.size() == kKeptPlans) plans_.erase(plans_.begin());
  plans_.push_back({.sizes = sizes, .place = place, .plan = made});
  return made;
}

std::shared_ptr<const Schedule> Program::schedule(const Sizes& sizes, GradientPlace place,
                                                  const std::vector<ValueId>& fetched) {
  const bool whole = has_backward_ || fetched.empty();
  const std::vector<ValueId> wanted = whole ? std::vector<ValueId>{} : fetched;
  std::shared_ptr<const Plan> memory = plan(sizes, place);
  const auto known = std::find_if(schedules_.begin(), schedules_.end(), [&](const KnownSchedule& entry) {
    return entry.fetched == wanted && entry.schedule->plan == memory;
  });
  if (known != schedules_.end()) return known->schedule;
  auto made = std::make_shared<const Schedule>(whole ? whole_schedule(graph_, std::move(memory))
                                                     : schedule_of(graph_, wanted, std::move(memory)));
  if (schedules_.size() == kKeptPlans) schedules_.erase(schedules_.begin());
  schedules_.push_back({.fetched = wanted, .schedule = made});
  return made;
}

void Program::copy_slots(const SlotCopies& copies) {
  const auto& [sources, destinations, lengths] = copies;
  if (destinations.size() != sources.size() || lengths.size() != sources.size())
    throw Error("invalid-batch", "lengths", "Each copy needs a source, a destination and a length.");
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (std::count(destinations.begin(), destinations.end(), destinations[i]) != 1 ||
        std::count(sources.begin(), sources.end(), destinations[i]) != 0) {
      throw Error("invalid-batch", "destinations",
                  "Slot " + std::to_string(destinations[i]) +
                      " must be the destination of one copy and the source of none.");
    }
    if (lengths[i] < 0) throw Error("invalid-batch", "lengths", "Expected lengths of 0 or more.");
    for (const auto& [id, memory] : states_) {
      const std::int64_t slots = graph_.bind(graph_.value(id).type, {}).rows();
      for (const std::int64_t slot : {sources[i], destinations[i]}) {
        if (slot >= 0 && slot < slots) continue;
        const char* where = slot == sources[i] ? "sources" : "destinations";
        throw Error(
            "invalid-batch", where,
            "Expected slots below " + std::to_string(slots) + " but received " + std::to_string(slot) + ".");
      }
    }
  }
  for (const auto& [id, memory] : states_) {
    const ValueType& type = graph_.value(id).type;
    const Shape shape = graph_.bind(type, {});
    const auto slot_bytes = static_cast<std::size_t>(shape.columns()) * size_of(type.dtype);
    const std::int64_t rows = shape.rank() < 2 ? 1 : shape[1];
    if (shape.elements() == 0) continue;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const auto copied = static_cast<std::size_t>(std::min(lengths[i], rows));
      device_->copy(memory.data() + static_cast<std::size_t>(destinations[i]) * slot_bytes,
                    memory.data() + static_cast<std::size_t>(sources[i]) * slot_bytes,
                    slot_bytes / static_cast<std::size_t>(rows) * copied);
    }
  }
}

std::size_t Program::state_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [id, memory] : states_) bytes += memory.bytes();
  return bytes;
}

}  // namespace attune
