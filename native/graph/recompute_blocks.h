#pragma once

#include <cstddef>

#include "graph/graph.h"

namespace attune {

/// What a block of the model makes for itself is not kept from the forward to the backward pass: there its
/// nodes run a second time, from what the block was given (gradient checkpointing; Chen et al. 2016,
/// "Training deep nets with sublinear memory cost"). The bits are the same: dropout draws by its stream and
/// row. A block is a run of nodes whose paths are alike up to their first number, "model.layers.3"; the last
/// one is kept, as the backward pass begins with it. `forward`: how many nodes there were before the graph
/// was differentiated.
void recompute_blocks(Graph& graph, std::size_t forward);

}  // namespace attune
