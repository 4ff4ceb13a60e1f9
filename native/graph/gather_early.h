#pragma once

#include "graph/graph.h"

namespace attune {

/// Where only some rows of a value are read, only those are computed: a `gather_rows` moves up through the
/// ops whose rows do not depend on each other, as far as nothing else reads what they make; attention is told
/// which rows its queries are. So a head that asks for labelled rows leaves all of the last block to these
/// rows but keys and values.
void gather_early(Graph& graph);

}  // namespace attune
