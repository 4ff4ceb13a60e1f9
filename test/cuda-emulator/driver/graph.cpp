#include <algorithm>

#include "driver/work.h"

namespace emulator {

bool Graph::precedes(std::size_t node, const std::vector<std::size_t>& ends) const {
  std::vector<bool> seen(nodes.size());
  std::vector<std::size_t> waiting = ends;
  while (!waiting.empty()) {
    const std::size_t next = waiting.back();
    waiting.pop_back();
    if (next == node) return true;
    if (seen[next]) continue;
    seen[next] = true;
    waiting.insert(waiting.end(), nodes[next].after.begin(), nodes[next].after.end());
  }
  return false;
}

std::vector<std::size_t> Graph::schedule(Order order, OrderRandom& random) const {
  std::vector<std::size_t> missing(nodes.size());
  std::vector<std::vector<std::size_t>> next(nodes.size());
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    missing[i] = nodes[i].after.size();
    if (missing[i] == 0) ready.push_back(i);
    for (const std::size_t before : nodes[i].after) next[before].push_back(i);
  }
  std::vector<std::size_t> result;
  while (!ready.empty()) {
    std::sort(ready.begin(), ready.end());
    std::size_t choice = 0;
    if (order == Order::reverse) choice = ready.size() - 1;
    if (order == Order::random) choice = random.next(static_cast<std::uint32_t>(ready.size()));
    const std::size_t node = ready[choice];
    ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(choice));
    result.push_back(node);
    for (const std::size_t after : next[node]) {
      if (--missing[after] == 0) ready.push_back(after);
    }
  }
  return result;
}

}  // namespace emulator
