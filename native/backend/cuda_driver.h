#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace attune::cuda {

// The few types and functions of NVIDIA's driver API that attune calls, declared here so that no CUDA header
// is needed to build, and no driver to load the addon. Names and values: CUDA Driver API reference, 12.0 on.

using Result = int;  ///< CUresult
inline constexpr Result kSuccess = 0;
inline constexpr Result kOutOfMemory = 2;
inline constexpr Result kNoDevice = 100;

using DeviceNumber = int;
using DeviceAddress = std::uint64_t;
using Context = struct CUctx_st*;
using Stream = struct CUstream_st*;
using Module = struct CUmod_st*;
using Function = struct CUfunc_st*;
using Graph = struct CUgraph_st*;
using GraphExec = struct CUgraphExec_st*;

/// CUdevice_attribute
enum class DeviceAttribute : int {
  multiprocessors = 16,
  capability_major = 75,
  capability_minor = 76,
  shared_memory_opt_in = 97,
};
/// CUfunction_attribute
enum class FunctionAttribute : int { dynamic_shared_memory = 8 };

/// CUstreamCaptureMode
enum class CaptureMode : int { thread_local_only = 1 };

/// The driver's functions, found by name in its library.
struct Driver {
  Result (*cuInit)(unsigned flags);
  Result (*cuDriverGetVersion)(int* version);
  Result (*cuGetErrorName)(Result, const char** name);
  Result (*cuGetErrorString)(Result, const char** text);
  Result (*cuDeviceGetCount)(int* count);
  Result (*cuDeviceGet)(DeviceNumber*, int ordinal);
  Result (*cuDeviceGetName)(char* name, int length, DeviceNumber);
  Result (*cuDeviceGetAttribute)(int* value, DeviceAttribute, DeviceNumber);
  Result (*cuDevicePrimaryCtxRetain)(Context*, DeviceNumber);
  Result (*cuDevicePrimaryCtxRelease_v2)(DeviceNumber);
  Result (*cuCtxSetCurrent)(Context);
  Result (*cuMemGetInfo_v2)(std::size_t* free, std::size_t* total);
  Result (*cuMemAlloc_v2)(DeviceAddress*, std::size_t bytes);
  Result (*cuMemFree_v2)(DeviceAddress);
  Result (*cuMemHostAlloc)(void**, std::size_t bytes, unsigned flags);
  Result (*cuMemFreeHost)(void*);
  Result (*cuMemcpyHtoDAsync_v2)(DeviceAddress, const void*, std::size_t bytes, Stream);
  Result (*cuMemcpyDtoHAsync_v2)(void*, DeviceAddress, std::size_t bytes, Stream);
  Result (*cuMemcpyDtoDAsync_v2)(DeviceAddress, DeviceAddress, std::size_t bytes, Stream);
  Result (*cuMemsetD8Async)(DeviceAddress, unsigned char value, std::size_t bytes, Stream);
  Result (*cuStreamCreate)(Stream*, unsigned flags);
  Result (*cuStreamDestroy_v2)(Stream);
  Result (*cuStreamSynchronize)(Stream);
  Result (*cuStreamBeginCapture_v2)(Stream, CaptureMode);
  Result (*cuStreamEndCapture)(Stream, Graph*);
  Result (*cuGraphInstantiateWithFlags)(GraphExec*, Graph, unsigned long long flags);
  Result (*cuGraphLaunch)(GraphExec, Stream);
  Result (*cuGraphExecDestroy)(GraphExec);
  Result (*cuGraphDestroy)(Graph);
  Result (*cuModuleLoadData)(Module*, const void* image);
  Result (*cuModuleUnload)(Module);
  Result (*cuModuleGetFunction)(Function*, Module, const char* name);
  Result (*cuFuncSetAttribute)(Function, FunctionAttribute, int value);
  Result (*cuLaunchKernel)(Function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                           unsigned block_y, unsigned block_z, unsigned shared_bytes, Stream,
                           void** parameters, void** extra);

  /// Throws Error{"device-failed"} with the driver's own words; `what` completes "CUDA could not WHAT".
  void check(Result result, const char* what) const;
};

/// Names a driver library to load in place of the system's.
inline constexpr const char* kDriverVariable = "ATTUNE_CUDA_DRIVER";

/// The driver of this machine, loaded once and initialised. Throws Error{"unsupported-device"} saying what is
/// missing: the library, one of its functions, a new enough version, a card.
[[nodiscard]] const Driver& driver();

}  // namespace attune::cuda
