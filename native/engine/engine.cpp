#include "engine/engine.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <limits>
#include <optional>
#include <utility>

#include "backend/cpu_device.h"
#include "backend/cuda_device.h"
#include "backend/planned_device.h"
#include "backend/processor.h"
#include "kernels/adamw.h"
#include "kernels/cpu_kernels.h"
#include "kernels/cuda_kernels.h"
#include "kernels/multiply_add_peak.h"
#include "kernels/required_kernel.h"
#include "kernels/stream_read.h"
#include "optim/optimizer_file.h"

namespace attune {
namespace {

[[nodiscard]] std::shared_ptr<Device> open_device(const EngineOptions& options) {
  if (!options.cuda_kernels.empty()) {
    auto kernels = std::make_shared<KernelTable>(cuda_kernels());
    if (options.planned) return std::make_shared<PlannedDevice>("cuda", std::move(kernels));
    return CudaDevice::open(std::move(kernels), options.cuda_kernels, options.cuda_graphs);
  }
  const std::string& wanted = options.instruction_set;
  const std::string chosen = wanted.empty() ? cpu_instruction_sets().front() : wanted;
  auto kernels = std::make_shared<KernelTable>(cpu_kernels(chosen));
  if (options.planned) return std::make_shared<PlannedDevice>("cpu", std::move(kernels));
  return std::make_shared<CpuDevice>(std::move(kernels), chosen);
}

[[nodiscard]] ValueId output_of(const Program& program, const std::string& name) {
  const auto found = program.graph().outputs().find(name);
  if (found == program.graph().outputs().end()) {
    throw Error("missing-input", name, "The program has no output " + name + ".");
  }
  return found->second;
}

[[nodiscard]] std::span<float> floats(const HostView& view, const DeviceMemory& memory) {
  return {view.as<float>(), memory.bytes() / sizeof(float)};
}

/// More than any cache holds, and on a GPU long against a launch; each byte is read once a try.
[[nodiscard]] std::size_t bytes_to_stream(const Device& device) {
  constexpr std::size_t kMebibyte = std::size_t{1} << 20;
  const std::optional<Device::Capacity> capacity = device.capacity();
  if (!capacity) return 256 * kMebibyte;
  return std::min(2048 * kMebibyte, capacity->total / 32 / kMebibyte * kMebibyte);
}

}  // namespace

Engine::Engine(const EngineOptions& options)
    : device_(open_device(options)),
      pool_(options.threads > 0 ? options.threads : processor().cores),
      parameters_(device_) {}

HostView Engine::to_write(const DeviceMemory& memory) const {
  return {*device_, memory.data(), memory.bytes(), HostView::Access::write};
}

void Engine::define(const std::string& name, const Shape& shape, DType dtype) {
  const std::scoped_lock lock(mutex_);
  parameters_.define(name, shape, dtype);
}

void Engine::remove(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  parameters_.remove(name);
  kept_gradient_bytes_ = parameters_.gradient_bytes();
}

void Engine::load(const std::string& name, const SafetensorsFile& file, const std::string& tensor,
                  bool transpose) {
  const std::scoped_lock lock(mutex_);
  Parameter& parameter = parameters_.at(name);
  const SafetensorsEntry& entry = file.entry(tensor);
  if (SafetensorsFile::elements(entry) != parameter.elements() || (transpose && entry.shape.size() != 2)) {
    throw Error("weights-mismatch", name,
                "Tensor " + tensor + " of " + file.path() + " does not fit " + name + " " +
                    parameter.shape.text() + ".");
  }
  if (is_quantized(parameter.dtype)) {
    std::vector<float> values(static_cast<std::size_t>(parameter.elements()));
    file.read(entry, values, transpose);
    parameters_.write(name, values);
    return;
  }
  HostView data = to_write(parameter.data);
  file.read(entry, data.data(), parameter.dtype, transpose);
  data.finish();
  if (parameter.master.data() == nullptr) return;
  HostView master = to_write(parameter.master);
  file.read(entry, floats(master, parameter.master), transpose);
  master.finish();
}

void Engine::initialize(const std::string& name, const Initializer& initializer) {
  const std::scoped_lock lock(mutex_);
  const Shape& shape = parameters_.at(name).shape;
  if (initializer.padding_index >= shape.rows()) {
    throw Error(
        "invalid-option", "init.paddingIndex",
        name + " has no row " + std::to_string(initializer.padding_index) + ": it is " + shape.text() + ".");
  }
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  attune::initialize(values, initializer, name, pool_);
  if (initializer.padding_index >= 0) {
    const auto row = values.begin() + initializer.padding_index * shape.columns();
    std::fill(row, row + shape.columns(), 0.0F);
  }
  parameters_.write(name, values);
}

std::vector<float> Engine::read(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  std::vector<float> values(static_cast<std::size_t>(parameters_.at(name).elements()));
  parameters_.read(name, values);
  return values;
}

std::vector<float> Engine::read_gradient(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  const Parameter& parameter = parameters_.at(name);
  if (!parameter.trainable) {
    throw Error("no-match", name, "Parameter " + name + " is not trainable, so it has no gradient.");
  }
  std::vector<float> gradient(static_cast<std::size_t>(parameter.elements()));
  if (gradient.empty()) return gradient;
  const std::byte* const held =
      newest_ ? gradient_of(parameter, *newest_, arena()) : parameter.gradient.data();
  if (held == nullptr) {
    throw Error("no-match", name, "No run left a gradient of " + name + ": run a backward pass first.");
  }
  device_->read(std::as_writable_bytes(std::span(gradient)), held);
  return gradient;
}

void Engine::release_gradients() {
  const std::scoped_lock lock(mutex_);
  parameters_.release_gradients();
  kept_gradient_bytes_ = 0;
}

void Engine::write(const std::string& name, std::span<const float> values) {
  const std::scoped_lock lock(mutex_);
  parameters_.write(name, values);
}

void Engine::set_trainable(const std::vector<std::string>& names) {
  const std::scoped_lock lock(mutex_);
  parameters_.set_trainable(names);
  kept_gradient_bytes_ = parameters_.gradient_bytes();
  newest_.reset();
  arena_gradient_bytes_ = 0;
}

std::shared_ptr<Program> Engine::compile(const Graph& graph, const CompileOptions& options) {
  auto program = std::make_shared<Program>(graph, parameters_, device_, pool_.threads(), options);
  programs_.push_back(program);
  return program;
}

void Engine::forget(const std::shared_ptr<Program>& program) { std::erase(programs_, program); }

void Engine::drop_arena() {
  arena_ = {};
  arena_bytes_ = 0;
  arena_gradient_bytes_ = 0;
}

void Engine::keep_gradients() {
  // What the arena had for them is not needed any more.
  if (arena_gradient_bytes_ > 0) drop_arena();
  parameters_.keep_gradients();
  kept_gradient_bytes_ = parameters_.gradient_bytes();
}

void Engine::make_room(const Plan& plan) {
  newest_.reset();
  if (plan.arena_bytes > arena_.bytes()) {
    DeviceMemory smaller = std::move(arena_);
    drop_arena();
    arena_ = device_->enlarge(std::move(smaller), plan.arena_bytes, "activations");
    arena_bytes_ = plan.arena_bytes;
  }
  arena_gradient_bytes_ = std::max(arena_gradient_bytes_.load(), plan.gradient_bytes);
}

std::shared_ptr<const Schedule> Engine::run_once(Program& program, const RunRequest& request,
                                                 GradientPlace place, const std::vector<ValueId>& fetched) {
  const Sizes sizes = bind_sizes(program.graph(), request.batch.sizes);
  if (place == GradientPlace::store && !program.gradients().empty()) keep_gradients();
  std::shared_ptr<const Schedule> schedule = program.schedule(sizes, place, fetched);
  make_room(*schedule->plan);
  execute(program, schedule, sizes, parameters_, arena(), *device_, pool_, cancel_, request, profile_.get());
  newest_ = schedule->plan;
  return schedule;
}

double Engine::fetch_scalar(const Program& program, const Plan& plan, const std::string& output) {
  const std::size_t offset = plan.offsets.at(static_cast<std::size_t>(output_of(program, output)));
  float value = 0.0F;
  device_->read(std::as_writable_bytes(std::span(&value, 1)), arena_.data() + offset);
  return static_cast<double>(value);
}

std::map<std::string, Fetched> Engine::run(Program& program, const RunRequest& request,
                                           const std::vector<std::string>& fetch) {
  const std::scoped_lock lock(mutex_);
  std::vector<ValueId> fetched;
  for (const std::string& name : fetch) fetched.push_back(output_of(program, name));
  const std::shared_ptr<const Schedule> schedule = run_once(program, request, GradientPlace::store, fetched);
  const Plan& plan = *schedule->plan;
  if (fetch.empty()) device_->wait();  // what is fetched has been waited for
  std::map<std::string, Fetched> results;
  for (std::size_t i = 0; i < fetch.size(); ++i) {
    const ValueId id = fetched[i];
    const Value& value = program.graph().value(id);
    Fetched& result = results[fetch[i]];
    result.shape = plan.shapes[static_cast<std::size_t>(id)];
    result.dtype = value.type.dtype == DType::i32 ? DType::i32 : DType::f32;
    const auto count = static_cast<std::size_t>(result.shape.elements());
    std::byte* const memory = arena_.data() + plan.offsets[static_cast<std::size_t>(id)];
    const HostView data(*device_, memory, count * size_of(value.type.dtype), HostView::Access::read);
    if (value.type.dtype == DType::i32) {
      const auto* source = data.as<const std::int32_t>();
      result.integers.assign(source, source + count);
    } else if (value.type.dtype == DType::f32) {
      const auto* source = data.as<const float>();
      result.floats.assign(source, source + count);
    } else {
      const auto* source = data.as<const bfloat16>();
      result.floats.resize(count);
      std::transform(source, source + count, result.floats.begin(), [](bfloat16 v) { return to_float(v); });
    }
  }
  return results;
}

void Engine::copy_slots(Program& program, const SlotCopies& copies) {
  const std::scoped_lock lock(mutex_);
  program.copy_slots(copies);
}

StepResult Engine::step(Program& program, Optimizer& optimizer, const StepRequest& request) {
  const std::scoped_lock lock(mutex_);
  for (const auto& [name, moments] : optimizer.moments()) {
    if (program.gradients().contains(name)) continue;
    throw Error("invalid-option", name,
                "The program was compiled while " + name +
                    " was not trained, and the optimizer has it: compile again after setTrainable.");
  }
  StepResult result;
  PhiloxKey random = request.random;
  bool accumulate = false;
  const bool keeps = request.batches.size() > 1 || kept_gradient_bytes_ > 0;
  const GradientPlace place = keeps ? GradientPlace::store : GradientPlace::arena;
  for (const Batch& batch : request.batches) {
    const RunRequest run{.batch = batch, .random = random, .accumulate = accumulate};
    const std::shared_ptr<const Schedule> schedule = run_once(program, run, place, {});
    result.loss += fetch_scalar(program, *schedule->plan, "loss");
    accumulate = true;
    ++random.draw;
  }
  const auto gradient = [&](const Parameter& parameter) { return gradient_of(parameter, *newest_, arena()); };
  const double begin = profile_ ? profile_->now() : 0.0;
  result.grad_norm = optimizer.gradient_norm(parameters_, gradient, pool_);
  if (profile_) {
    const double elements = optimizer.elements(parameters_);
    profile_->add("optimizer", "squared_sum", begin, {.elements = 2.0 * elements}, sizeof(float) * elements);
  }
  result.updated = std::isfinite(result.loss) && std::isfinite(result.grad_norm);
  if (result.updated) {
    const double update = profile_ ? profile_->now() : 0.0;
    optimizer.step(parameters_, gradient, pool_, request.learning_rates,
                   clip_coefficient(result.grad_norm, request.max_grad_norm));
    if (profile_) {
      device_->wait();
      const double elements = optimizer.elements(parameters_);
      // The gradient is read, weights and moments are read and written.
      const double bytes = 3.0 * sizeof(float) * elements + 2.0 * static_cast<double>(optimizer.bytes());
      profile_->add("optimizer", "adamw", update, {.elements = kAdamWOperations * elements}, bytes);
    }
  }
  return result;
}

std::shared_ptr<Optimizer> Engine::make_optimizer(OptimizerKind kind, std::vector<OptimizerGroup> groups) {
  auto optimizer = std::make_shared<Optimizer>(device_, kind, std::move(groups), parameters_);
  optimizers_.push_back(optimizer);
  return optimizer;
}

void Engine::regroup(Optimizer& optimizer, std::vector<OptimizerGroup> groups) {
  const std::scoped_lock lock(mutex_);
  optimizer.regroup(std::move(groups), parameters_);
}

void Engine::forget(const std::shared_ptr<Optimizer>& optimizer) { std::erase(optimizers_, optimizer); }

void Engine::save_optimizer(Optimizer& optimizer, const std::string& path) {
  const std::scoped_lock lock(mutex_);
  write_optimizer(path, optimizer, parameters_, *device_);
}

void Engine::load_optimizer(Optimizer& optimizer, const SafetensorsFile& file) {
  const std::scoped_lock lock(mutex_);
  read_optimizer(file, optimizer, parameters_, *device_);
}

void Engine::save(const std::string& path, const std::string& header, const std::vector<SaveEntry>& entries) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::vector<float>> widened;
  std::deque<HostView> views;  // as long as the sources
  std::vector<SafetensorsSource> sources;
  for (const SaveEntry& entry : entries) {
    if (entry.parameter.empty()) {
      sources.push_back({.dtype = entry.dtype, .values = entry.values});
      continue;
    }
    const Parameter& parameter = parameters_.at(entry.parameter);
    const auto count = static_cast<std::size_t>(parameter.elements());
    if (parameter.dtype == DType::f32 || parameter.master.data() != nullptr) {
      const HostView& view =
          views.emplace_back(*device_, parameter.weights(), count * sizeof(float), HostView::Access::read);
      sources.push_back({.dtype = entry.dtype, .values = {view.as<const float>(), count}});
    } else {
      widened.emplace_back(count);
      parameters_.read(entry.parameter, widened.back());
      sources.push_back({.dtype = entry.dtype, .values = widened.back()});
    }
  }
  write_safetensors(path, header, sources);
}

MemoryUse Engine::memory() {
  const std::size_t arena = arena_bytes_;
  const std::size_t in_arena = std::min(arena, arena_gradient_bytes_.load());
  MemoryUse use{.parameters = parameters_.parameter_bytes(),
                .gradients = kept_gradient_bytes_ + in_arena,
                .activations = arena - in_arena};
  for (const auto& program : programs_) use.states += program->state_bytes();
  for (const auto& optimizer : optimizers_) use.optimizer += optimizer->bytes();
  return use;
}

double Engine::shortest_run(const char* op, const std::any& arguments, int tries) {
  const Kernel& kernel = required_kernel(*device_, op, DType::f32, op);
  double shortest = std::numeric_limits<double>::infinity();
  for (int attempt = 0; attempt < tries; ++attempt) {
    KernelContext context{*device_, pool_, {}, {}, {}, false};
    device_->wait();
    const auto start = std::chrono::steady_clock::now();
    kernel.run(context, {.arguments = arguments, .inputs = {}, .outputs = {}});
    device_->wait();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    shortest = std::min(shortest, seconds.count());
  }
  return shortest;
}

double Engine::measure_peak() {
  // About 10 to 20 ms a try on current processors and GPUs: long against a task's hand-out and a launch,
  // short against other work on the machine.
  const std::int64_t iterations = device_->host_accessible() ? 4'000'000 : 100'000;
  const std::scoped_lock lock(mutex_);
  double operations = 0.0;
  const std::any arguments = MultiplyAddPeakArguments{.iterations = iterations, .operations = &operations};
  const double seconds = shortest_run("multiply_add_peak", arguments, 7);
  return operations / seconds;
}

double Engine::measure_read_bandwidth() {
  const std::scoped_lock lock(mutex_);
  const std::size_t bytes = bytes_to_stream(*device_);
  const DeviceMemory memory = device_->allocate(bytes, "the measurement of bandwidth");
  device_->zero(memory.data(), bytes);  // pages that nothing was written to are all the same one
  const std::any arguments = StreamReadArguments{.data = reinterpret_cast<const float*>(memory.data()),
                                                 .count = static_cast<std::int64_t>(bytes / sizeof(float))};
  return static_cast<double>(bytes) / shortest_run("stream_read", arguments, 5);
}

void Engine::start_profile() {
  const std::scoped_lock lock(mutex_);
  profile_ = std::make_unique<Profile>();
}

std::vector<Span> Engine::take_profile() {
  const std::scoped_lock lock(mutex_);
  const std::unique_ptr<Profile> profile = std::move(profile_);
  return profile ? profile->spans() : std::vector<Span>{};
}

}  // namespace attune
