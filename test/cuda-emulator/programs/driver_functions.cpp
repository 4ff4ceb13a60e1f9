// Streams, events, graphs, modules, and the failures that can be asked for.

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "gpu.h"

namespace {

using test::Buffer;
using test::Context;
using test::expect;
using test::expect_equal;

const std::string kAddOne = test::kernel(
    "mul.wide.u32 %d2, %r0, 4; add.u64 %d3, %d0, %d2; ld.global.f32 %f1, [%d3]; add.f32 %f1, %f1, "
    "0f3F800000; st.global.f32 [%d3], %f1;");

CUstream make_stream(unsigned flags = CU_STREAM_NON_BLOCKING) {
  CUstream stream = nullptr;
  MUST(cuStreamCreate(&stream, flags));
  return stream;
}
CUevent make_event(unsigned flags = 0) {
  CUevent event = nullptr;
  MUST(cuEventCreate(&event, flags));
  return event;
}

void streams_are_lazy() {
  const Context context;
  const CUstream stream = make_stream();
  const Buffer<float> buffer(std::vector<float>(32, 1));
  const CUfunction add = test::function(test::load(kAddOne), "k");
  std::vector<float> host(32, 5);
  test::launch(add, {1, 32, 0, stream}, buffer.address);
  MUST(cuMemcpyDtoHAsync_v2(host.data(), buffer.address, 128, stream));
  expect(std::isnan(host[0]), "the host sees NaN before it waits");
  MUST(cuStreamSynchronize(stream));
  expect_equal(host[31], 2.0f, "after it waited");
}

void a_missing_event_reads_nan() {
  const Context context;
  const CUstream producer = make_stream();
  const CUstream consumer = make_stream();
  const Buffer<float> buffer(32);
  const std::vector<float> ones(32, 1);
  std::vector<float> host(32);
  MUST(cuMemcpyHtoDAsync_v2(buffer.address, ones.data(), 128, producer));
  MUST(cuMemcpyDtoHAsync_v2(host.data(), buffer.address, 128, consumer));
  MUST(cuStreamSynchronize(consumer));
  expect(std::isnan(host[0]), "without the event the consumer runs first");
  const CUevent event = make_event();
  MUST(cuEventRecord(event, producer));
  MUST(cuStreamWaitEvent(consumer, event, 0));
  MUST(cuMemcpyDtoHAsync_v2(host.data(), buffer.address, 128, consumer));
  MUST(cuStreamSynchronize(consumer));
  expect_equal(host[0], 1.0f, "with the event");
}

void events_tell_what_is_done() {
  const Context context;
  const CUstream stream = make_stream();
  const Buffer<float> buffer(std::vector<float>(32, 1));
  const CUevent start = make_event();
  const CUevent end = make_event();
  MUST(cuEventRecord(start, stream));
  for (int i = 0; i < 3; ++i) MUST(cuMemsetD32Async(buffer.address, 0, 32, stream));
  MUST(cuEventRecord(end, stream));
  expect_equal(cuEventQuery(end), CUDA_ERROR_NOT_READY, "at first");
  CUresult result = CUDA_ERROR_NOT_READY;
  for (int i = 0; i < 10 && result == CUDA_ERROR_NOT_READY; ++i) result = cuEventQuery(end);
  expect_equal(result, CUDA_SUCCESS, "asking again and again gets there");
  float milliseconds = 0;
  MUST(cuEventElapsedTime(&milliseconds, start, end));
  expect_equal(std::lround(milliseconds * 1000), 4L, "three fills and the event");
  const CUevent untimed = make_event(CU_EVENT_DISABLE_TIMING);
  MUST(cuEventRecord(untimed, stream));
  MUST(cuEventSynchronize(untimed));
  expect_equal(cuEventElapsedTime(&milliseconds, start, untimed), CUDA_ERROR_INVALID_HANDLE,
               "an event without time");
}

void the_default_stream_waits() {
  const Context context;
  const CUstream blocking = make_stream(0);
  const Buffer<float> buffer(32);
  const std::vector<float> ones(32, 1);
  MUST(cuMemcpyHtoDAsync_v2(buffer.address, ones.data(), 128, blocking));
  expect_equal(buffer.read()[0], 1.0f, "a copy on the default stream comes after");
}

void graphs_replay() {
  const Context context;
  const CUstream stream = make_stream();
  const CUstream side = make_stream();
  const CUevent fork = make_event();
  const CUevent join = make_event();
  const Buffer<float> a(std::vector<float>(32, 0));
  const Buffer<float> b(std::vector<float>(32, 10));
  const CUfunction add = test::function(test::load(kAddOne), "k");
  MUST(cuStreamBeginCapture_v2(stream, 0));
  test::launch(add, {1, 32, 0, stream}, a.address);
  MUST(cuEventRecord(fork, stream));
  MUST(cuStreamWaitEvent(side, fork, 0));
  test::launch(add, {1, 32, 0, side}, b.address);
  MUST(cuEventRecord(join, side));
  MUST(cuStreamWaitEvent(stream, join, 0));
  MUST(cuMemcpyDtoDAsync_v2(a.address + 64, b.address, 4, stream));
  CUgraph graph = nullptr;
  MUST(cuStreamEndCapture(stream, &graph));
  CUgraphExec executable = nullptr;
  MUST(cuGraphInstantiateWithFlags(&executable, graph, 0));
  MUST(cuGraphDestroy(graph));
  expect_equal(a.read()[0], 0.0f, "capturing runs nothing");
  for (const char* order : {"order=forward", "order=reverse", "order=random"}) {
    MUST(attuneCudaEmulatorConfigure(order));
    MUST(cuGraphLaunch(executable, stream));
  }
  MUST(cuStreamSynchronize(stream));
  expect_equal(a.read()[0], 3.0f, "three launches");
  expect_equal(a.read()[16], 13.0f, "the copy comes after both branches");
  MUST(cuGraphExecDestroy(executable));
}

void captures_are_checked() {
  const Context context;
  const CUstream stream = make_stream();
  const CUstream side = make_stream();
  const CUevent fork = make_event();
  const Buffer<float> a(std::vector<float>(32, 0));
  CUgraph graph = nullptr;
  MUST(cuStreamBeginCapture_v2(stream, 0));
  expect_equal(cuStreamSynchronize(stream), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
               "waiting within a capture");
  expect_equal(cuStreamEndCapture(stream, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "which breaks it");
  MUST(cuStreamBeginCapture_v2(stream, 0));
  CUdeviceptr address = 0;
  expect_equal(cuMemAlloc_v2(&address, 16), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
               "allocating within a capture");
  cuStreamEndCapture(stream, &graph);
  MUST(cuStreamBeginCapture_v2(stream, 0));
  MUST(cuEventRecord(fork, stream));
  MUST(cuStreamWaitEvent(side, fork, 0));
  MUST(cuMemsetD32Async(a.address, 1, 32, side));
  expect_equal(cuStreamEndCapture(stream, &graph), CUDA_ERROR_STREAM_CAPTURE_UNJOINED,
               "a branch that is not joined");
}

void modules() {
  const Context context;
  const std::string text =
      test::kernel("ld.global.u32 %r1, [counter]; add.u32 %r1, %r1, 1; st.global.u32 [counter], %r1;", 0,
                   ".global .align 4 .u32 counter = 5;");
  const CUmodule first = test::load(text);
  const CUmodule second = test::load(text);
  for (int i = 0; i < 2; ++i) test::launch(test::function(first, "k"), {1, 1});
  const auto counter = [](CUmodule module) {
    CUdeviceptr address = 0;
    std::size_t bytes = 0;
    MUST(cuModuleGetGlobal_v2(&address, &bytes, module, "counter"));
    std::uint32_t value = 0;
    MUST(cuMemcpyDtoH_v2(&value, address, 4));
    return value;
  };
  expect_equal(counter(first), 7u, "the module that ran");
  expect_equal(counter(second), 5u, "the same module, loaded again, has its own variables");
  CUfunction missing = nullptr;
  expect_equal(cuModuleGetFunction(&missing, first, "none"), CUDA_ERROR_NOT_FOUND,
               "a kernel that is not there");
  MUST(cuModuleUnload(first));
  expect_equal(cuModuleGetFunction(&missing, first, "k"), CUDA_ERROR_INVALID_HANDLE, "an unloaded module");
  void* function = nullptr;
  int found = 1;
  MUST(cuGetProcAddress_v2("cuMemAlloc", &function, 12000, 0, &found));
  expect(function == reinterpret_cast<void*>(&cuMemAlloc_v2), "the plain name is the newest version");
}

void the_device() {
  const Context context;
  char name[100];
  MUST(cuDeviceGetName(name, sizeof name, 0));
  test::expect_contains(name, "not a GPU");
  int value = 0;
  MUST(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 0));
  expect_equal(value, 163 << 10, "shared memory of 8.0");
  MUST(attuneCudaEmulatorConfigure("compute-capability=8.9"));
  MUST(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 0));
  expect_equal(value, 99 << 10, "shared memory of 8.9");
  MUST(cuDriverGetVersion(&value));
  expect_equal(value, 13000, "driver");
}

void settings() {
  setenv("ATTUNE_CUDA_EMULATOR", "devices=0", 1);
  expect_equal(cuInit(0), CUDA_ERROR_NO_DEVICE, "no device");
  setenv("ATTUNE_CUDA_EMULATOR", "driver=11040,compute-capability=7.5,memory=1M", 1);
  {
    const Context context;
    int value = 0;
    MUST(cuDriverGetVersion(&value));
    expect_equal(value, 11040, "an old driver");
    MUST(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 0));
    expect_equal(value, 5, "an old device");
    CUdeviceptr address = 0;
    MUST(cuMemAlloc_v2(&address, 1 << 19));
    CUdeviceptr more = 0;
    expect_equal(cuMemAlloc_v2(&more, (1 << 19) + 1), CUDA_ERROR_OUT_OF_MEMORY, "a full device");
    std::size_t available = 0;
    std::size_t total = 0;
    MUST(cuMemGetInfo_v2(&available, &total));
    expect_equal(available, std::size_t{1} << 19, "what is left");
    MUST(cuMemFree_v2(address));
    MUST(cuMemAlloc_v2(&more, (1 << 19) + 1));
  }
  setenv("ATTUNE_CUDA_EMULATOR", "fail-allocation=3,fail-launch=2", 1);
  {
    const Context context;
    const Buffer<float> first(std::vector<float>(32, 0));
    const Buffer<float> second(32);
    CUdeviceptr address = 0;
    expect_equal(cuMemAlloc_v2(&address, 16), CUDA_ERROR_OUT_OF_MEMORY, "the third allocation");
    MUST(cuMemAlloc_v2(&address, 16));
    const CUfunction add = test::function(test::load(kAddOne), "k");
    test::launch(add, {}, first.address);
    test::launch(add, {}, first.address);  // queued: the error comes later
    expect_equal(cuCtxSynchronize(), CUDA_ERROR_LAUNCH_FAILED, "the second launch");
    expect_equal(cuMemAlloc_v2(&address, 16), CUDA_ERROR_LAUNCH_FAILED, "the error stays");
  }
  unsetenv("ATTUNE_CUDA_EMULATOR");
  const Context context;
  MUST(cuCtxSynchronize());
  expect_equal(attuneCudaEmulatorConfigure("speed=9"), CUDA_ERROR_INVALID_VALUE, "an unknown setting");
}

void memory_is_new_after_free() {
  const Context context;
  CUdeviceptr first = 0;
  MUST(cuMemAlloc_v2(&first, 4096));
  MUST(cuMemsetD8Async(first, 0, 4096, nullptr));
  MUST(cuMemFree_v2(first));
  const Buffer<float> again(1024);
  expect_equal(again.address, first, "the same place");
  for (const float value : again.read()) expect(std::isnan(value), "holds NaN");
  expect_equal(cuMemFree_v2(again.address + 4), CUDA_ERROR_INVALID_VALUE, "freeing what was not allocated");
}

}  // namespace

int main() {
  test::run("streams are lazy", streams_are_lazy);
  test::run("a missing event reads NaN", a_missing_event_reads_nan);
  test::run("events tell what is done", events_tell_what_is_done);
  test::run("the default stream waits for the others", the_default_stream_waits);
  test::run("graphs replay what was captured", graphs_replay);
  test::run("captures are checked", captures_are_checked);
  test::run("modules have variables of their own", modules);
  test::run("the device says what it is", the_device);
  test::run("failures can be asked for", settings);
  test::run("freed memory is poisoned", memory_is_new_after_free);
}
