#pragma once

// Streams, events and graphs. Streams are lazy: nothing runs until something waits for it, so that a program
// that forgets to wait reads NaN instead of passing by luck.

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "scheduler/order.h"

struct CUstream_st;

namespace emulator {

/// A kernel, a copy or a fill, ready to run.
struct Work {
  std::function<void()> run;
  /// Host memory that it will read: it must not be poisoned before.
  const std::byte* reads_host = nullptr;
  std::size_t read_bytes = 0;
};

/// Nodes with the indices of those that must run before them.
struct Graph {
  struct Node {
    Work work;
    std::vector<std::size_t> after;
  };
  std::vector<Node> nodes;

  /// Whether `node` is among `ends` or before one of them.
  [[nodiscard]] bool precedes(std::size_t node, const std::vector<std::size_t>& ends) const;
  /// An order that honours the edges and nothing else.
  [[nodiscard]] std::vector<std::size_t> schedule(Order order, OrderRandom& random) const;
};

/// What an event means to those who wait for it: it goes on when the event is recorded again or destroyed.
struct EventState {
  std::uint64_t recorded = 0;
  std::uint64_t done = 0;
  std::uint64_t time = 0;  // of the last completion, in pieces of work done
  CUstream_st* stream = nullptr;
  // Recorded while its stream was captured: a place in that graph.
  std::shared_ptr<Graph> graph;
  std::vector<std::size_t> nodes;
};

}  // namespace emulator

struct CUevent_st {
  std::shared_ptr<emulator::EventState> state = std::make_shared<emulator::EventState>();
  unsigned flags = 0;
};

struct CUstream_st {
  struct Item {
    emulator::Work work;
    std::shared_ptr<emulator::EventState> record;
    std::shared_ptr<emulator::EventState> wait;
    std::uint64_t generation = 0;
  };
  std::deque<Item> queue;
  unsigned flags = 0;
  // While captured: the graph, who began it, and the nodes that the next one comes after.
  std::shared_ptr<emulator::Graph> graph;
  bool began_capture = false;
  bool invalidated = false;
  int capture_mode = 0;
  std::vector<std::size_t> last;
};

struct CUgraph_st {
  emulator::Graph graph;
};

struct CUgraphExec_st {
  std::shared_ptr<const emulator::Graph> graph;
};
