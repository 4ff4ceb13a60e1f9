#include "graph/execute.h"

#include <cstring>

#include "ops/work.h"

namespace attune {
namespace {

void check_range(const Graph& graph, const Value& value, const Sizes& sizes, const Batch::Input& input) {
  if (!value.below || value.type.dtype != DType::i32) return;
  const std::int64_t below = graph.bind(*value.below, sizes);
  const std::size_t count = input.bytes.size() / sizeof(std::int32_t);
  const auto* values = reinterpret_cast<const std::int32_t*>(input.bytes.data());
  for (std::size_t index = 0; index < count; ++index) {
    if (values[index] >= 0 && values[index] < below) continue;
    throw Error("invalid-batch", value.name,
                "Input " + value.name + " has " + std::to_string(values[index]) + " at position " +
                    std::to_string(index) + "; values must lie in [0, " + std::to_string(below) + ").");
  }
}

/// Copies the batch into the arena. Everything is checked first, so that nothing runs on half a batch.
void load_inputs(const Graph& graph, const Schedule& schedule, const Sizes& sizes, const Batch& batch,
                 std::span<std::byte> arena, Device& device) {
  const Plan& plan = *schedule.plan;
  for (const ValueId input : schedule.inputs) {
    const auto id = static_cast<std::size_t>(input);
    const Value& value = graph.value(input);
    const auto found = batch.inputs.find(value.name);
    if (found == batch.inputs.end()) {
      throw Error("invalid-batch", value.name, "The batch has no input " + value.name + ".");
    }
    const auto bytes = static_cast<std::size_t>(plan.shapes[id].elements()) * size_of(value.type.dtype);
    if (found->second.dtype != value.type.dtype || found->second.bytes.size() != bytes) {
      throw Error("invalid-batch", value.name,
                  "Input " + value.name + " must be " + std::string(name_of(value.type.dtype)) +
                      plan.shapes[id].text() + " (" + std::to_string(bytes) + " bytes) but is " +
                      std::string(name_of(found->second.dtype)) + " with " +
                      std::to_string(found->second.bytes.size()) + " bytes.");
    }
    check_range(graph, value, sizes, found->second);
    if (bytes != 0)
      device.write(arena.data() + plan.offsets[id], std::as_bytes(std::span(found->second.bytes)));
  }
}

}  // namespace

Sizes bind_sizes(const Graph& graph, const std::map<std::string, std::int64_t>& sizes) {
  Sizes bound;
  for (const std::string& name : graph.size_names()) {
    const auto found = sizes.find(name);
    if (found == sizes.end() || found->second < 0) {
      throw Error("invalid-batch", name,
                  "The batch must say its size '" + name + "' as a whole number of 0 or more.");
    }
    bound.push_back(found->second);
  }
  return bound;
}

std::byte* gradient_of(const Parameter& parameter, const Plan& plan, std::span<std::byte> arena) {
  const auto planned = plan.gradients.find(parameter.name);
  return planned == plan.gradients.end() ? parameter.gradient.data() : arena.data() + planned->second;
}

void execute(Program& program, const std::shared_ptr<const Schedule>& schedule, const Sizes& sizes,
             ParameterStore& parameters, std::span<std::byte> arena, Device& device, ThreadPool& pool,
             const std::atomic<bool>& cancel, const RunRequest& request, Profile* profile) {
  const Graph& graph = program.graph();
  const Plan& plan = *schedule->plan;
  load_inputs(graph, *schedule, sizes, request.batch, arena, device);

  const auto view = [&](ValueId id) {
    TensorView tensor;
    if (id == kNone) return tensor;
    const Value& value = graph.value(id);
    tensor.present = true;
    tensor.dtype = value.type.dtype;
    tensor.shape = plan.shapes[static_cast<std::size_t>(id)];
    if (value.kind == ValueKind::parameter) {
      tensor.data = parameters.at(value.name).data.data();
    } else if (value.kind == ValueKind::state) {
      tensor.data = program.state(id);
    } else if (const auto target = program.gradient_targets().find(id);
               target != program.gradient_targets().end()) {
      tensor.data = gradient_of(parameters.at(target->second.parameter), plan, arena);
      tensor.accumulate = request.accumulate || target->second.adds;
    } else {
      tensor.data = arena.data() + plan.offsets[static_cast<std::size_t>(id)];
    }
    return tensor;
  };

  const auto run_nodes = [&] {
    std::vector<TensorView> inputs;
    std::vector<TensorView> outputs;
    std::vector<bool> written(plan.shared.size(), false);
    for (const std::size_t index : schedule->nodes) {
      if (cancel.load(std::memory_order_relaxed)) {
        throw Error("aborted", graph.nodes()[index].path, "The run was cancelled.");
      }
      const Node& node = graph.nodes()[index];
      inputs.clear();
      outputs.clear();
      for (const ValueId id : node.inputs) inputs.push_back(view(id));
      // Rules may leave trailing optional inputs out; kernels see them all.
      inputs.resize(node.op->inputs.size());
      for (const ValueId id : node.outputs) outputs.push_back(view(id));
      outputs.resize(node.op->outputs.size());
      const std::int32_t shared = plan.shared_of[index];
      const bool shares = shared >= 0;
      std::span<std::byte> form;
      bool is_written = false;
      if (shares) {
        const auto at = static_cast<std::size_t>(shared);
        form = arena.subspan(plan.shared[at].offset, plan.shared[at].bytes);
        is_written = written[at];
        written[at] = true;
      }
      KernelContext context{
          device,         pool, arena.subspan(plan.scratch_offsets[index], plan.scratch_bytes[index]),
          request.random, form, is_written};
      const KernelCall call{
          .arguments = node.arguments, .inputs = inputs, .outputs = outputs, .shares = shares};
      const double begin = profile != nullptr ? profile->now() : 0.0;
      program.kernels()[index]->run(context, call);
      if (profile == nullptr) continue;
      device.wait();
      profile->add(node.path, node.op->name, begin, node.op->work(call), moved_bytes(call));
    }
  };
  if (cancel.load(std::memory_order_relaxed)) throw Error("aborted", "run", "The run was cancelled.");
  // A recorded run is one launch: it has no parts to be timed.
  const std::shared_ptr<const void> repeated = profile == nullptr ? schedule : nullptr;
  device.repeat({.schedule = repeated, .accumulate = request.accumulate, .random = request.random},
                run_nodes);
  if (request.accumulate) return;
  for (const auto& [name, gradient] : program.gradients()) {
    if (gradient.contributions.empty())
      device.zero(gradient_of(parameters.at(name), plan, arena), gradient.bytes);
  }
}

}  // namespace attune
