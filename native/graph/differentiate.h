#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace attune {

/// Stands for "the gradient is 1" at the loss, which is the root and needs no memory for it.
inline constexpr ValueId kUnitGradient = -2;

struct Gradients {
  /// By the differentiated value. Several contributions to one parameter stay apart, in the order they are
  /// computed: the executor lets the first write the gradient's buffer and the others add to it.
  std::map<ValueId, std::vector<ValueId>> contributions;
};

/// Reverse mode: walks the nodes backward once and appends each rule's nodes, only on paths that reach a
/// value in `wrt`. `seeds`: the gradient that arrives at a value (kUnitGradient at a loss). Throws
/// Error{"not-differentiable"} naming the node whose op has no rule.
[[nodiscard]] Gradients differentiate(Graph& graph, const std::map<ValueId, ValueId>& seeds,
                                      const std::vector<ValueId>& wrt);

}  // namespace attune
