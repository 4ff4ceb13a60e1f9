#include "graph/recompute_blocks.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune {
namespace {

/// Nodes [first, last).
struct Block {
  std::string name;
  std::size_t first = 0;
  std::size_t last = 0;
};

/// "model.layers.3" of "model.layers.3.mlp.up_proj"; empty where no part is a number.
[[nodiscard]] std::string_view block_name(std::string_view path) {
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
    if (!part.empty() && std::all_of(part.begin(), part.end(), is_digit)) return path.substr(0, end);
    begin = end + 1;
  }
  return {};
}

[[nodiscard]] std::vector<Block> blocks_of(const Graph& graph, std::size_t forward) {
  std::vector<Block> blocks;
  for (std::size_t index = 0; index < forward; ++index) {
    const std::string_view name = block_name(graph.nodes()[index].path);
    if (name.empty()) continue;
    if (!blocks.empty() && blocks.back().name == name && blocks.back().last == index) {
      ++blocks.back().last;
    } else {
      blocks.push_back({std::string(name), index, index + 1});
    }
  }
  return blocks;
}

/// Whether it is no more than a pass over memory.
[[nodiscard]] bool is_norm(const Node& node) {
  return node.op->name == "layer_norm" || node.op->name == "rms_norm";
}

/// A norm at the end of a block (BERT's) goes to the next one: its input is kept instead of its output, so
/// that the product before it need not run again for the norm's gradient.
void end_with_products(const Graph& graph, std::vector<Block>& blocks) {
  for (std::size_t next = 1; next < blocks.size(); ++next) {
    Block& block = blocks[next - 1];
    if (blocks[next].first != block.last) continue;
    while (block.last > block.first && is_norm(graph.nodes()[block.last - 1])) --block.last;
    blocks[next].first = block.last;
  }
}

/// A block's values that only it and the backward pass read.
[[nodiscard]] std::set<ValueId> inner_values(const Graph& graph, const Block& block, std::size_t forward) {
  std::set<ValueId> inner;
  for (std::size_t index = block.first; index < block.last; ++index) {
    for (const ValueId id : graph.nodes()[index].outputs) {
      if (!graph.is_output(id)) inner.insert(id);
    }
  }
  for (std::size_t index = block.last; index < forward; ++index) {
    for (const ValueId id : graph.nodes()[index].inputs) inner.erase(id);
  }
  return inner;
}

void recompute(Graph& graph, const Block& block, std::size_t forward) {
  const std::set<ValueId> inner = inner_values(graph, block, forward);
  std::set<ValueId> wanted;
  std::size_t at = 0;
  for (std::size_t index = graph.nodes().size(); index-- > forward;) {
    for (const ValueId id : graph.nodes()[index].inputs) {
      if (!inner.contains(id)) continue;
      wanted.insert(id);
      at = index;
    }
  }
  std::set<std::size_t> again;
  for (std::size_t index = block.last; index-- > block.first;) {
    const Node& node = graph.nodes()[index];
    if (std::none_of(node.outputs.begin(), node.outputs.end(),
                     [&](ValueId id) { return wanted.contains(id); })) {
      continue;
    }
    again.insert(index);
    for (const ValueId id : node.inputs) {
      if (inner.contains(id)) wanted.insert(id);
    }
  }
  std::map<ValueId, ValueId> copies;
  for (const std::size_t index : again) {
    const Node node = graph.nodes()[index];
    std::vector<ValueId> inputs = node.inputs;
    for (ValueId& id : inputs) {
      if (const auto copy = copies.find(id); copy != copies.end()) id = copy->second;
    }
    const std::vector<ValueId> made =
        graph.insert(at++, *node.op, node.path, std::move(inputs), node.arguments);
    for (std::size_t output = 0; output < made.size(); ++output) {
      if (inner.contains(node.outputs[output])) copies[node.outputs[output]] = made[output];
    }
  }
  for (const auto& [id, copy] : copies) graph.replace_uses(id, copy, at);
}

}  // namespace

void recompute_blocks(Graph& graph, std::size_t forward) {
  std::vector<Block> blocks = blocks_of(graph, forward);
  end_with_products(graph, blocks);
  for (const Block& block : blocks) {
    if (block.name != blocks.back().name) recompute(graph, block, forward);
  }
}

}  // namespace attune
