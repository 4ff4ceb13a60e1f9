#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "kernels/kernel.h"

namespace attune {

/// Where a run leaves the gradients of parameters.
enum class GradientPlace {
  store,  ///< in memory of the parameters': runs that come after it may add to them
  arena,  ///< in the arena until the next run: each takes the place of activations that are done with
};

/// The gradient of one parameter: what is computed of it, in the order in which it is added up. None, where
/// the graph does not reach the parameter: the gradient is zero after the run.
struct ParameterGradient {
  std::size_t bytes = 0;
  std::vector<ValueId> contributions;
};

/// Where everything of one run lies in the arena, for one set of sizes: known before anything runs.
struct Plan {
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

  std::vector<Shape> shapes;  ///< by value
  std::vector<std::size_t>
      offsets;  ///< by value; kNowhere for parameters, states and gradients in parameters' memory
  std::vector<std::size_t> scratch_offsets;  ///< by node
  std::vector<std::size_t> scratch_bytes;    ///< by node
  /// First inputs in a form that several nodes read (`SharedForm`).
  struct Shared {
    std::size_t offset = 0;
    std::size_t bytes = 0;
    std::vector<std::size_t> nodes;  ///< two at least, in order
  };
  std::vector<Shared> shared;
  std::vector<std::int32_t> shared_of;  ///< by node: its place in `shared`, or -1
  std::map<std::string, std::size_t, std::less<>>
      gradients;                   ///< offsets by parameter; empty where the arena has none
  std::size_t gradient_bytes = 0;  ///< of the arena's
  std::size_t arena_bytes = 0;
};

/// Lifetimes over the node order give fixed offsets: two buffers share bytes only when they never live at the
/// same time. `outside(value)`: true where the value's memory is not the arena's own; `gradients`: those of
/// parameters that the arena has, by name.
[[nodiscard]] Plan plan_memory(const Graph& graph, const std::vector<const Kernel*>& kernels,
                               const Sizes& sizes, int threads, const std::function<bool(ValueId)>& outside,
                               const std::map<std::string, ParameterGradient>& gradients);

}  // namespace attune
