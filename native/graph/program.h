#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backend/device.h"
#include "graph/graph.h"
#include "graph/parameter_store.h"
#include "graph/plan.h"
#include "graph/schedule.h"
#include "kernels/kernel.h"

namespace attune {

struct CompileOptions {
  std::string loss;  ///< scalar output to differentiate from; empty: forward only
  std::map<std::string, std::string>
      seeds;  ///< op tests: output name -> input or parameter that holds its gradient
  std::vector<std::string>
      wrt;  ///< inputs (op tests) and parameters (plans) to differentiate by, beside what is trainable
  bool gradient_checkpointing =
      false;  ///< the backward pass computes blocks again (graph/recompute_blocks.h)
};

/// Slots to copy: copy i brings the first `lengths[i]` rows of slot `sources[i]` to `destinations[i]`.
struct SlotCopies {
  std::vector<std::int64_t> sources;
  std::vector<std::int64_t> destinations;  ///< no slot twice, none a source: the order is of no account
  std::vector<std::int64_t> lengths;       ///< states with fewer rows copy all of theirs
};

/// A graph made ready for one session: differentiated where asked, a kernel for every node, plans by sizes.
class Program {
 public:
  /// Throws Error{"missing-kernel"} naming op, device and dtype; "missing-input", "shape-mismatch" for
  /// parameters.
  Program(Graph graph, ParameterStore& parameters, std::shared_ptr<Device> device, int threads,
          const CompileOptions& options);

  [[nodiscard]] const Graph& graph() const { return graph_; }
  [[nodiscard]] const std::vector<const Kernel*>& kernels() const { return kernels_; }
  /// Where a value is a parameter's gradient: the parameter, and whether another contribution came before.
  struct GradientTarget {
    std::string parameter;
    bool adds = false;
  };
  [[nodiscard]] const std::map<ValueId, GradientTarget>& gradient_targets() const {
    return gradient_targets_;
  }
  /// Of every parameter that is differentiated by, by name.
  [[nodiscard]] const std::map<std::string, ParameterGradient>& gradients() const { return gradients_; }
  [[nodiscard]] bool has_backward() const { return has_backward_; }

  /// The plan for these sizes; the last few are kept.
  [[nodiscard]] std::shared_ptr<const Plan> plan(const Sizes& sizes, GradientPlace place);

  /// What a run of these sizes computes when these values are fetched: of a program that differentiates, and
  /// where none are, everything. The last few are kept, so that a run that comes again is seen to.
  [[nodiscard]] std::shared_ptr<const Schedule> schedule(const Sizes& sizes, GradientPlace place,
                                                         const std::vector<ValueId>& fetched);

  [[nodiscard]] std::byte* state(ValueId value) const { return states_.at(value).data(); }
  [[nodiscard]] std::size_t state_bytes() const;
  /// Copies the first rows of slots of every state (slots, rows, ...) to other slots. Throws
  /// Error{"invalid-batch"} before anything is copied.
  void copy_slots(const SlotCopies& copies);

 private:
  void differentiate_graph(ParameterStore& parameters, const CompileOptions& options);
  void add_gradient(const Parameter& parameter, const std::vector<ValueId>& contributions);
  void choose_kernels();

  Graph graph_;
  std::shared_ptr<Device> device_;
  int threads_;
  std::vector<const Kernel*> kernels_;
  std::map<ValueId, GradientTarget> gradient_targets_;
  std::map<std::string, ParameterGradient> gradients_;
  std::map<ValueId, DeviceMemory> states_;
  bool has_backward_ = false;
  std::mutex plans_mutex_;  ///< sizes are asked for while a step runs
  struct KnownPlan {
    Sizes sizes;
    GradientPlace place;
    std::shared_ptr<const Plan> plan;
  };
  std::vector<KnownPlan> plans_;
  struct KnownSchedule {
    std::vector<ValueId> fetched;
    std::shared_ptr<const Schedule> schedule;  ///< its plan says for which sizes
  };
  std::vector<KnownSchedule> schedules_;
};

}  // namespace attune
