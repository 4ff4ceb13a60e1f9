#pragma once

#include <vector>

#include "graph/execute.h"
#include "graph/graph.h"
#include "ops/work.h"

namespace attune {

/// What a node does, by the shapes alone.
struct NodeCost {
  const Node* node = nullptr;  ///< of the graph
  Work work;
  double bytes = 0.0;  ///< of what it reads and writes, each tensor once
};

/// Of all nodes in order, for one batch; what is said of it for `count_work` holds here too.
[[nodiscard]] std::vector<NodeCost> count_costs(const Graph& graph, const Batch& batch);

/// Floating-point operations of all nodes for one batch. Of its inputs only i32 ones are looked at, and any
/// may be left out: sequences are then taken to be equally long. Throws Error{"invalid-batch"} for inputs of
/// another length.
[[nodiscard]] Work count_work(const Graph& graph, const Batch& batch);

}  // namespace attune
