#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "driver/device_memory.h"
#include "driver/driver_error.h"
#include "driver/handles.h"
#include "driver/kernel_module.h"
#include "driver/settings.h"
#include "driver/tape.h"
#include "driver/work.h"
#include "scheduler/runner.h"

namespace emulator {

/// The one emulated device of the process and all that lives on it. Every driver function holds its lock.
class Device {
 public:
  static Device& instance();

  /// cuInit: takes the settings from the environment anew.
  void initialize();
  void require_initialized() const;
  /// Throws what every call answers once a kernel failed.
  void require_healthy() const;

  void retain();
  void release();
  [[nodiscard]] bool has_context() const { return retained_ > 0; }
  [[nodiscard]] std::uint64_t context_generation() const { return context_generation_; }

  CUdeviceptr allocate(std::size_t bytes);
  void free(CUdeviceptr address);
  /// Where the bytes are, checked when the work is queued. Throws.
  std::byte* bytes_at(CUdeviceptr address, std::size_t bytes, const char* what);

  CUstream_st& stream(CUstream handle);
  CUstream create_stream(unsigned flags);
  void destroy_stream(CUstream handle);
  CUevent_st& event(CUevent handle) { return events_.at(handle); }
  CUevent create_event(unsigned flags);
  void destroy_event(CUevent handle);

  void enqueue(CUstream_st& stream, Work work);
  /// Host memory that a queued copy will fill is NaN until it does, unless queued work still reads it.
  void poison(std::byte* host, std::size_t bytes);
  void record(CUstream_st& stream, CUevent_st& event);
  void wait_for(CUstream_st& stream, CUevent_st& event);
  /// Runs what is queued in one stream, in all, or up to an event.
  void drain(CUstream_st& stream);
  void drain_all();
  void drain(EventState& event);
  /// Runs one piece of work, so that who asks again and again gets there.
  void advance(CUstream_st& stream);

  void begin_capture(CUstream_st& stream, int mode);
  CUgraph end_capture(CUstream_st& stream);
  /// Refuses calls that wait or allocate while a stream is captured.
  void require_no_capture(const char* what) const;
  void launch_graph(CUstream_st& stream, const CUgraphExec_st& executable);

  void launch(CUfunction function, Launch launch, CUstream_st& stream);
  /// A kernel that is a function of the host's: see host_work.h.
  void launch_host_work(const char* name, std::function<std::string()> kernel, CUstream_st& stream);

  std::recursive_mutex mutex;
  Settings settings;
  DeviceMemory memory;
  Tape tape;
  Handles<CUmod_st> modules{"module"};
  Handles<CUgraph_st> graphs{"graph"};
  Handles<CUgraphExec_st> graph_executables{"executable graph"};
  std::string message;  // why the last call failed
  [[nodiscard]] const Counters& counters() const { return runner_.counters(); }

 private:
  Device();
  void open_tape();
  void run_item(CUstream_st& stream);
  void run_kernel(const Launch& launch);
  /// Fails the one that `fail-launch` means.
  void count_launch();
  void order_with_default_stream(const CUstream_st& stream);
  void check_launch(const CUfunc_st& function, const Launch& launch) const;
  static const Allocation* find_allocation(std::uint64_t address);

  bool initialized_ = false;
  CUresult sticky_ = CUDA_SUCCESS;
  int retained_ = 0;
  std::uint64_t context_generation_ = 0;
  std::uint64_t allocations_ = 0;
  std::uint64_t launches_ = 0;
  std::uint64_t clock_ = 0;
  CUstream_st default_stream_;
  Handles<CUstream_st> streams_{"stream"};
  Handles<CUevent_st> events_{"event"};
  Runner runner_;
};

/// The largest dynamic shared memory of a block that opted in, by compute capability.
[[nodiscard]] std::uint32_t max_shared_bytes(int compute_capability);

}  // namespace emulator
