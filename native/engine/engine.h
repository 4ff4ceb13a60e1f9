#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "backend/device.h"
#include "core/thread_pool.h"
#include "data/safetensors.h"
#include "engine/initializer.h"
#include "graph/execute.h"
#include "graph/parameter_store.h"
#include "graph/program.h"
#include "optim/optimizer.h"

namespace attune {

/// Exact bytes, by kind. Gradients of a step of one batch take the place of activations as the backward pass
/// is done with those: `activations` is what the arena has beyond them.
struct MemoryUse {
  std::size_t parameters = 0;
  std::size_t gradients = 0;
  std::size_t optimizer = 0;
  std::size_t activations = 0;
  std::size_t states = 0;
};

/// A tensor that a run hands out: float32, or i32 as it is.
struct Fetched {
  DType dtype = DType::f32;
  Shape shape;
  std::vector<float> floats;
  std::vector<std::int32_t> integers;
};

struct StepRequest {
  std::vector<Batch> batches;
  std::vector<double> learning_rates;
  double max_grad_norm = 0.0;
  PhiloxKey random;
};

struct StepResult {
  double loss = 0.0;
  double grad_norm = 0.0;
  bool updated = false;
};

/// A tensor to write: a parameter by name, or values.
struct SaveEntry {
  DType dtype = DType::f32;
  std::string parameter;
  std::vector<float> values;
};

struct EngineOptions {
  std::string instruction_set;  ///< of the processor's kernels; empty: the best
  std::string cuda_kernels;     ///< folder of the fat binaries; empty: computes on the processor
  bool cuda_graphs = true;      ///< whether runs that come again are recorded on a GPU
  int threads = 0;              ///< of the processor; 0: one per core
  bool planned = false;         ///< compiles and counts bytes, and neither allocates nor runs
};

/// Parameters, thread pool and arena of one model, and the programs and optimizers made for it: they end with
/// it.
///
/// Two threads use it. JavaScript's own defines, compiles and asks; the engine thread loads, runs and steps.
/// What JavaScript's thread changes under a run (parameters, what is trainable) waits for it; what it only
/// reads does not wait.
class Engine {
 public:
  /// Throws Error{"unsupported-device"} saying what is missing.
  explicit Engine(const EngineOptions& options);

  [[nodiscard]] int threads() const { return pool_.threads(); }
  [[nodiscard]] const Device& device() const { return *device_; }

  void define(const std::string& name, const Shape& shape, DType dtype);
  void remove(const std::string& name);
  void load(const std::string& name, const SafetensorsFile& file, const std::string& tensor, bool transpose);
  void initialize(const std::string& name, const Initializer& initializer);
  [[nodiscard]] std::vector<float> read(const std::string& name);
  /// What the newest run left of it. Throws Error{"no-match"} where none did.
  [[nodiscard]] std::vector<float> read_gradient(const std::string& name);
  /// Gives back the memory of gradients that outlive a run.
  void release_gradients();
  void write(const std::string& name, std::span<const float> values);
  void set_trainable(const std::vector<std::string>& names);

  [[nodiscard]] std::shared_ptr<Program> compile(const Graph& graph, const CompileOptions& options);
  void forget(const std::shared_ptr<Program>& program);

  /// Gradients stay until the next run, which may add to them, or `release_gradients`.
  [[nodiscard]] std::map<std::string, Fetched> run(Program& program, const RunRequest& request,
                                                   const std::vector<std::string>& fetch);
  void copy_slots(Program& program, const SlotCopies& copies);
  /// Gradients of one batch take the place of activations, unless there is memory for them already.
  [[nodiscard]] StepResult step(Program& program, Optimizer& optimizer, const StepRequest& request);

  [[nodiscard]] std::shared_ptr<Optimizer> make_optimizer(OptimizerKind kind,
                                                          std::vector<OptimizerGroup> groups);
  void regroup(Optimizer& optimizer, std::vector<OptimizerGroup> groups);
  void forget(const std::shared_ptr<Optimizer>& optimizer);
  /// optim/optimizer_file.h says what is in it.
  void save_optimizer(Optimizer& optimizer, const std::string& path);
  void load_optimizer(Optimizer& optimizer, const SafetensorsFile& file);
  void save(const std::string& path, const std::string& header, const std::vector<SaveEntry>& entries);

  [[nodiscard]] MemoryUse memory();
  /// Floating-point operations a second of float32 multiply-adds in registers, all threads: the best of a few
  /// tries.
  [[nodiscard]] double measure_peak();
  /// Bytes a second that all threads read from memory, each byte once: the best of a few tries.
  [[nodiscard]] double measure_read_bandwidth();
  /// From here on every kernel's run is recorded, until the profile is taken.
  void start_profile();
  /// What was recorded; recording ends. Empty where it had not begun.
  [[nodiscard]] std::vector<Span> take_profile();
  void cancel(bool on) { cancel_ = on; }

 private:
  [[nodiscard]] std::span<std::byte> arena() const { return {arena_.data(), arena_.bytes()}; }
  void drop_arena();
  void make_room(const Plan& plan);
  void keep_gradients();
  /// Seconds of the fastest of a few runs of a kernel that reads and writes no tensors.
  [[nodiscard]] double shortest_run(const char* op, const std::any& arguments, int tries);
  std::shared_ptr<const Schedule> run_once(Program& program, const RunRequest& request, GradientPlace place,
                                           const std::vector<ValueId>& fetched);
  [[nodiscard]] double fetch_scalar(const Program& program, const Plan& plan, const std::string& output);
  /// Memory of the device that is about to be filled.
  [[nodiscard]] HostView to_write(const DeviceMemory& memory) const;

  std::mutex mutex_;  ///< held by every job of the engine thread
  std::shared_ptr<Device> device_;
  ThreadPool pool_;
  ParameterStore parameters_;
  DeviceMemory arena_;
  std::shared_ptr<const Plan> newest_;  ///< of the last run, whose values the arena holds
  // Read by memory() while a run makes room.
  std::atomic<std::size_t> arena_bytes_{0};
  std::atomic<std::size_t> arena_gradient_bytes_{0};  ///< of the arena's: most that a run had
  std::atomic<std::size_t> kept_gradient_bytes_{0};   ///< of memory of their own
  std::vector<std::shared_ptr<Program>> programs_;
  std::vector<std::shared_ptr<Optimizer>> optimizers_;
  std::unique_ptr<Profile> profile_;  ///< null: nothing is recorded
  std::atomic<bool> cancel_{false};
};

}  // namespace attune
