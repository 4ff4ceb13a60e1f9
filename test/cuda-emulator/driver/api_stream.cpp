// Driver functions: streams, events and graphs.

#include <string>

#include "driver/call.h"

using emulator::call_in_context;
using emulator::Device;
using emulator::DriverError;
using emulator::required;

namespace {

void refuse_captured(const CUstream_st& stream, const char* what) {
  if (stream.graph == nullptr) return;
  throw DriverError(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
                    std::string(what) + " of a stream that is captured");
}

}  // namespace

EMULATOR_API CUresult cuStreamCreate(CUstream* stream, unsigned flags) {
  return call_in_context("cuStreamCreate",
                         [&](Device& device) { required(stream) = device.create_stream(flags); });
}
EMULATOR_API CUresult cuStreamCreateWithPriority(CUstream* stream, unsigned flags, int) {
  return cuStreamCreate(stream, flags);
}
EMULATOR_API CUresult cuStreamDestroy_v2(CUstream stream) {
  return call_in_context("cuStreamDestroy", [&](Device& device) { device.destroy_stream(stream); });
}
EMULATOR_API CUresult cuStreamSynchronize(CUstream stream) {
  return call_in_context("cuStreamSynchronize", [&](Device& device) {
    CUstream_st& waited = device.stream(stream);
    if (waited.graph != nullptr) waited.invalidated = true;
    refuse_captured(waited, "cuStreamSynchronize");
    device.drain(waited);
  });
}
EMULATOR_API CUresult cuStreamQuery(CUstream stream) {
  return call_in_context("cuStreamQuery", [&](Device& device) {
    CUstream_st& asked = device.stream(stream);
    refuse_captured(asked, "cuStreamQuery");
    device.advance(asked);
    if (!asked.queue.empty()) throw DriverError(CUDA_ERROR_NOT_READY);
  });
}
EMULATOR_API CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned) {
  return call_in_context("cuStreamWaitEvent", [&](Device& device) {
    device.wait_for(device.stream(stream), device.event(event));
  });
}

EMULATOR_API CUresult cuEventCreate(CUevent* event, unsigned flags) {
  return call_in_context("cuEventCreate",
                         [&](Device& device) { required(event) = device.create_event(flags); });
}
EMULATOR_API CUresult cuEventDestroy_v2(CUevent event) {
  return call_in_context("cuEventDestroy", [&](Device& device) { device.destroy_event(event); });
}
EMULATOR_API CUresult cuEventRecord(CUevent event, CUstream stream) {
  return call_in_context("cuEventRecord",
                         [&](Device& device) { device.record(device.stream(stream), device.event(event)); });
}
EMULATOR_API CUresult cuEventSynchronize(CUevent event) {
  return call_in_context("cuEventSynchronize", [&](Device& device) {
    CUevent_st& waited = device.event(event);
    if (waited.state->graph != nullptr)
      throw DriverError(CUDA_ERROR_CAPTURED_EVENT, "the event is in a capture");
    device.drain(*waited.state);
  });
}
EMULATOR_API CUresult cuEventQuery(CUevent event) {
  return call_in_context("cuEventQuery", [&](Device& device) {
    const emulator::EventState& state = *device.event(event).state;
    if (state.graph != nullptr) throw DriverError(CUDA_ERROR_CAPTURED_EVENT, "the event is in a capture");
    if (state.done < state.recorded && state.stream != nullptr) device.advance(*state.stream);
    if (state.done < state.recorded) throw DriverError(CUDA_ERROR_NOT_READY);
  });
}
/// An emulated device is never timed: every piece of work counts as a microsecond.
EMULATOR_API CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
  return call_in_context("cuEventElapsedTime", [&](Device& device) {
    const CUevent_st& from = device.event(start);
    const CUevent_st& to = device.event(end);
    const bool timed = ((from.flags | to.flags) & CU_EVENT_DISABLE_TIMING) == 0;
    if (!timed || from.state->recorded == 0 || to.state->recorded == 0) {
      throw DriverError(CUDA_ERROR_INVALID_HANDLE, "an event takes no time or was not recorded");
    }
    if (from.state->done < from.state->recorded || to.state->done < to.state->recorded) {
      throw DriverError(CUDA_ERROR_NOT_READY);
    }
    required(milliseconds) =
        1e-3f * (static_cast<float>(to.state->time) - static_cast<float>(from.state->time));
  });
}
EMULATOR_API CUresult cuEventElapsedTime_v2(float* milliseconds, CUevent start, CUevent end) {
  return cuEventElapsedTime(milliseconds, start, end);
}

EMULATOR_API CUresult cuStreamBeginCapture_v2(CUstream stream, int mode) {
  return call_in_context("cuStreamBeginCapture",
                         [&](Device& device) { device.begin_capture(device.stream(stream), mode); });
}
EMULATOR_API CUresult cuStreamEndCapture(CUstream stream, CUgraph* graph) {
  return call_in_context("cuStreamEndCapture", [&](Device& device) {
    required(graph) = device.end_capture(device.stream(stream));
  });
}
EMULATOR_API CUresult cuStreamIsCapturing(CUstream stream, int* status) {
  return call_in_context("cuStreamIsCapturing", [&](Device& device) {
    required(status) = device.stream(stream).graph != nullptr ? 1 : 0;
  });
}

EMULATOR_API CUresult cuGraphInstantiateWithFlags(CUgraphExec* executable, CUgraph graph, std::uint64_t) {
  return call_in_context("cuGraphInstantiate", [&](Device& device) {
    const CUgraph_st& of = device.graphs.at(graph);
    auto created = std::make_unique<CUgraphExec_st>();
    created->graph = std::make_shared<const emulator::Graph>(of.graph);
    required(executable) = device.graph_executables.add(std::move(created));
  });
}
EMULATOR_API CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
  return call_in_context("cuGraphLaunch", [&](Device& device) {
    device.launch_graph(device.stream(stream), device.graph_executables.at(executable));
  });
}
EMULATOR_API CUresult cuGraphExecDestroy(CUgraphExec executable) {
  return call_in_context("cuGraphExecDestroy",
                         [&](Device& device) { device.graph_executables.remove(executable); });
}
EMULATOR_API CUresult cuGraphDestroy(CUgraph graph) {
  return call_in_context("cuGraphDestroy", [&](Device& device) { device.graphs.remove(graph); });
}
