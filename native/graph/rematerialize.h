#pragma once

#include <cstddef>

#include "graph/graph.h"

namespace attune {

/// What is cheap to make again is not kept from the forward to the backward pass: outputs of activations and
/// norms whose inputs the backward keeps anyway are made a second time just before their first use there
/// (Chen et al. 2016, "Training deep nets with sublinear memory cost", for single nodes). The bits are the
/// same. `forward`: how many nodes there were before the graph was differentiated.
void rematerialize(Graph& graph, std::size_t forward);

}  // namespace attune
