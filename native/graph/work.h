#pragma once

#include "graph/execute.h"
#include "graph/graph.h"
#include "ops/work.h"

namespace attune {

/// Floating-point operations of all nodes for one batch. Of its inputs only i32 ones are looked at, and any
/// may be left out: sequences are then taken to be equally long. Throws Error{"invalid-batch"} for inputs of
/// another length.
[[nodiscard]] Work count_work(const Graph& graph, const Batch& batch);

}  // namespace attune
