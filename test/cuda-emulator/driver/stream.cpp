// Streams, events, and the capture of graphs.

#include <algorithm>
#include <cstring>

#include "driver/device.h"

namespace emulator {

CUstream_st& Device::stream(CUstream handle) {
  // 0 and 1 are the legacy default stream; 2, the per-thread one, is taken for it.
  if (reinterpret_cast<std::uintptr_t>(handle) <= 2) return default_stream_;
  return streams_.at(handle);
}

CUstream Device::create_stream(unsigned flags) {
  auto created = std::make_unique<CUstream_st>();
  created->flags = flags;
  return streams_.add(std::move(created));
}

void Device::destroy_stream(CUstream handle) {
  CUstream_st& destroyed = stream(handle);
  if (&destroyed == &default_stream_)
    throw DriverError(CUDA_ERROR_INVALID_HANDLE, "the default stream stays");
  if (sticky_ == CUDA_SUCCESS) drain(destroyed);  // its work is done all the same
  for (const auto& [address, each] : events_) {
    if (each->state->stream == handle) each->state->stream = nullptr;
  }
  streams_.remove(handle);
}

CUevent Device::create_event(unsigned flags) {
  auto created = std::make_unique<CUevent_st>();
  created->flags = flags;
  return events_.add(std::move(created));
}

void Device::destroy_event(CUevent handle) { events_.remove(handle); }

/// The default stream and those made without CU_STREAM_NON_BLOCKING wait for each other.
void Device::order_with_default_stream(const CUstream_st& stream) {
  if (&stream == &default_stream_) {
    for (const auto& [address, other] : streams_) {
      if ((other->flags & CU_STREAM_NON_BLOCKING) == 0) drain(*other);
    }
  } else if ((stream.flags & CU_STREAM_NON_BLOCKING) == 0) {
    drain(default_stream_);
  }
}

void Device::enqueue(CUstream_st& stream, Work work) {
  if (stream.graph != nullptr) {
    stream.graph->nodes.push_back({std::move(work), stream.last});
    stream.last = {stream.graph->nodes.size() - 1};
    return;
  }
  order_with_default_stream(stream);
  stream.queue.push_back({std::move(work), nullptr, nullptr, 0});
  if (settings.eager) drain(stream);
}

void Device::record(CUstream_st& stream, CUevent_st& event) {
  EventState& state = *event.state;
  if (stream.graph != nullptr) {
    state.graph = stream.graph;
    state.nodes = stream.last;
    return;
  }
  state.graph = nullptr;
  state.stream = &stream;
  order_with_default_stream(stream);
  stream.queue.push_back({{}, event.state, nullptr, ++state.recorded});
  if (settings.eager) drain(stream);
}

void Device::wait_for(CUstream_st& stream, CUevent_st& event) {
  const EventState& state = *event.state;
  if (state.graph != nullptr) {
    if (stream.graph != nullptr && stream.graph != state.graph) {
      throw DriverError(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "the event belongs to another capture");
    }
    stream.graph = state.graph;  // the stream joins the capture
    stream.last.insert(stream.last.end(), state.nodes.begin(), state.nodes.end());
    return;
  }
  if (stream.graph != nullptr) {
    throw DriverError(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED,
                      "a captured stream cannot wait for work outside of the capture");
  }
  if (state.recorded > 0) stream.queue.push_back({{}, nullptr, event.state, state.recorded});
}

void Device::run_item(CUstream_st& stream) {
  CUstream_st::Item item = std::move(stream.queue.front());
  stream.queue.pop_front();
  if (item.wait != nullptr) {
    while (item.wait->done < item.generation && item.wait->stream != nullptr &&
           !item.wait->stream->queue.empty()) {
      run_item(*item.wait->stream);
    }
  }
  if (item.work.run != nullptr) item.work.run();
  ++clock_;
  if (item.record != nullptr) {
    item.record->done = item.generation;
    item.record->time = clock_;
  }
}

void Device::drain(CUstream_st& stream) {
  require_healthy();
  while (!stream.queue.empty()) run_item(stream);
}

void Device::drain_all() {
  drain(default_stream_);
  for (const auto& [address, each] : streams_) drain(*each);
}

void Device::drain(EventState& event) {
  require_healthy();
  while (event.done < event.recorded && event.stream != nullptr && !event.stream->queue.empty())
    run_item(*event.stream);
}

void Device::advance(CUstream_st& stream) {
  require_healthy();
  if (!stream.queue.empty()) run_item(stream);
}

void Device::begin_capture(CUstream_st& stream, int mode) {
  if (&stream == &default_stream_) {
    throw DriverError(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "the default stream cannot be captured");
  }
  if (stream.graph != nullptr)
    throw DriverError(CUDA_ERROR_INVALID_VALUE, "the stream is being captured already");
  stream.graph = std::make_shared<Graph>();
  stream.began_capture = true;
  stream.invalidated = false;
  stream.capture_mode = mode;
  stream.last.clear();
}

CUgraph Device::end_capture(CUstream_st& stream) {
  if (!stream.began_capture) {
    throw DriverError(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "the capture was not begun on this stream");
  }
  const std::shared_ptr<Graph> graph = stream.graph;
  const bool invalidated = stream.invalidated;
  bool unjoined = false;
  for (const auto& [address, other] : streams_) {
    if (other->graph != graph) continue;
    for (const std::size_t node : other->last) unjoined = unjoined || !graph->precedes(node, stream.last);
    if (address != &stream) {
      other->graph = nullptr;
      other->last.clear();
    }
  }
  stream.graph = nullptr;
  stream.began_capture = false;
  stream.last.clear();
  if (invalidated) throw DriverError(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "a call broke the capture");
  if (unjoined) {
    throw DriverError(CUDA_ERROR_STREAM_CAPTURE_UNJOINED,
                      "the captured stream does not wait for a stream that joined it");
  }
  auto captured = std::make_unique<CUgraph_st>();
  captured->graph = *graph;
  return graphs.add(std::move(captured));
}

void Device::require_no_capture(const char* what) const {
  for (const auto& [address, each] : streams_) {
    if (!each->began_capture || each->capture_mode == CU_STREAM_CAPTURE_MODE_RELAXED) continue;
    each->invalidated = true;
    throw DriverError(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
                      std::string(what) + " while a stream is captured");
  }
}

void Device::launch_graph(CUstream_st& stream, const CUgraphExec_st& executable) {
  enqueue(stream, {[this, graph = executable.graph] {
            OrderRandom random(settings.seed);
            for (const std::size_t node : graph->schedule(settings.order, random))
              graph->nodes[node].work.run();
          }});
}

void Device::poison(std::byte* host, std::size_t bytes) {
  const auto reads = [&](const CUstream_st& stream) {
    return std::any_of(stream.queue.begin(), stream.queue.end(), [&](const CUstream_st::Item& item) {
      return item.work.reads_host != nullptr && item.work.reads_host < host + bytes &&
             host < item.work.reads_host + item.work.read_bytes;
    });
  };
  if (reads(default_stream_)) return;
  for (const auto& [address, each] : streams_) {
    if (reads(*each)) return;
  }
  std::memset(host, 0xff, bytes);
}

}  // namespace emulator
