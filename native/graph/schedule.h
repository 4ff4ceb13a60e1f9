#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "graph/graph.h"
#include "graph/plan.h"

namespace attune {

/// What a run computes, and where it lies.
struct Schedule {
  std::shared_ptr<const Plan> plan;
  std::vector<std::size_t> nodes;  ///< by their index, in order
  std::vector<ValueId> inputs;     ///< what of the batch is read
};

/// All of a graph.
[[nodiscard]] Schedule whole_schedule(const Graph& graph, std::shared_ptr<const Plan> plan);

/// What leads to these values, and every node that writes to a state.
[[nodiscard]] Schedule schedule_of(const Graph& graph, const std::vector<ValueId>& wanted,
                                   std::shared_ptr<const Plan> plan);

}  // namespace attune
