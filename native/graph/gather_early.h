#pragma once

#include "graph/graph.h"

namespace attune {

/// Where only some rows of a value are read, only those are computed: a `gather_rows` moves up through the
/// ops whose rows do not depend on each other, as far as nothing else reads what they make. So a head that
/// asks for labelled rows leaves the last block's projections and feed-forward layer to these rows, and
/// attention's keys and values to all.
void gather_early(Graph& graph);

}  // namespace attune
