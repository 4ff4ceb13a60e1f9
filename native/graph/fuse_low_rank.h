#pragma once

#include <functional>

#include "graph/graph.h"

namespace attune {

/// Where a thin product is added to what another product gave alone, as the backward of a LoRA module does
/// (dx = dy W, then dx + du A), the two become one `linear` with both products: dx is written once instead of
/// written, read and written again. `kept`: values that are asked for from outside, beside the graph's
/// outputs.
void fuse_low_rank(Graph& graph, const std::function<bool(ValueId)>& kept);

}  // namespace attune
