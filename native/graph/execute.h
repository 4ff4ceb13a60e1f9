#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/philox.h"
#include "core/thread_pool.h"
#include "graph/profile.h"
#include "graph/program.h"

namespace attune {

/// What a batch brings: named sizes and the inputs' values (i32 or f32, as the graph declared them).
struct Batch {
  std::map<std::string, std::int64_t> sizes;
  struct Input {
    DType dtype = DType::f32;
    std::vector<std::byte> bytes;
  };
  std::map<std::string, Input> inputs;
};

struct RunRequest {
  const Batch& batch;
  PhiloxKey random;
  bool accumulate = false;  ///< add to the gradients in the parameters' memory instead of starting them anew
};

/// The named sizes of a batch in the program's order. Throws Error{"invalid-batch"} where one is missing or
/// negative.
[[nodiscard]] Sizes bind_sizes(const Graph& graph, const std::map<std::string, std::int64_t>& sizes);

/// Where a run of this plan leaves the gradient of a parameter.
[[nodiscard]] std::byte* gradient_of(const Parameter& parameter, const Plan& plan,
                                     std::span<std::byte> arena);

/// Runs the schedule's nodes. The arena must hold its plan's arena_bytes. Throws Error{"aborted"} when
/// `cancel` is seen between two kernels, Error{"invalid-batch"} before the first one when an input is
/// missing, of another length, or outside its range. Every kernel's run is added to `profile` where there is
/// one.
void execute(Program& program, const std::shared_ptr<const Schedule>& schedule, const Sizes& sizes,
             ParameterStore& parameters, std::span<std::byte> arena, Device& device, ThreadPool& pool,
             const std::atomic<bool>& cancel, const RunRequest& request, Profile* profile = nullptr);

}  // namespace attune
