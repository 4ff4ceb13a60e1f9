#pragma once

#include "graph/graph.h"

namespace attune {

/// An activation right behind the `linear` whose output it reads becomes a part of that node, whose kernel
/// applies it to each tile while it is near: the sum is read once less, and is not written where nothing else
/// (the backward pass) reads it. The same bits.
void fuse_activation(Graph& graph);

}  // namespace attune
