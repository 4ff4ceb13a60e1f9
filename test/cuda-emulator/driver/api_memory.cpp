// Driver functions: memory, copies and fills.

#include <algorithm>
#include <cstring>
#include <string>

#include "driver/call.h"

using emulator::call_in_context;
using emulator::Device;
using emulator::DriverError;
using emulator::required;

namespace {

void copy_to_device(Device& device, CUdeviceptr to, const void* from, std::size_t bytes,
                    CUstream_st& stream) {
  std::byte* at = device.bytes_at(to, bytes, "copy to the device");
  if (bytes == 0) return;
  const auto* source = &required(static_cast<const std::byte*>(from));
  if (device.memory.is_device_address(reinterpret_cast<CUdeviceptr>(source))) {
    throw DriverError(CUDA_ERROR_INVALID_VALUE, "the host source is a device pointer");
  }
  const auto run = [=, &device] {
    std::memcpy(at, source, bytes);
    device.tape.wrote(to, source, bytes);
  };
  device.enqueue(stream, {run, source, bytes});
}

void copy_to_host(Device& device, void* to, CUdeviceptr from, std::size_t bytes, CUstream_st& stream) {
  const std::byte* at = device.bytes_at(from, bytes, "copy to the host");
  if (bytes == 0) return;
  auto* target = &required(static_cast<std::byte*>(to));
  if (device.memory.is_device_address(reinterpret_cast<CUdeviceptr>(target))) {
    throw DriverError(CUDA_ERROR_INVALID_VALUE, "the host target is a device pointer");
  }
  if (stream.graph == nullptr) device.poison(target, bytes);
  device.enqueue(stream, {[=, &device] {
                   std::memcpy(target, at, bytes);
                   device.tape.read(from, at, bytes);
                 }});
}

void copy_on_device(Device& device, CUdeviceptr to, CUdeviceptr from, std::size_t bytes,
                    CUstream_st& stream) {
  std::byte* target = device.bytes_at(to, bytes, "copy on the device, target");
  const std::byte* source = device.bytes_at(from, bytes, "copy on the device, source");
  if (bytes == 0) return;
  device.enqueue(stream, {[=, &device] {
                   std::memmove(target, source, bytes);
                   device.tape.copied(to, from, bytes);
                 }});
}

template <class T>
void fill(Device& device, CUdeviceptr to, T value, std::size_t count, CUstream_st& stream) {
  if (to % sizeof(T) != 0)
    throw DriverError(CUDA_ERROR_INVALID_VALUE, "the address of a fill is not aligned");
  auto* at = reinterpret_cast<T*>(device.bytes_at(to, count * sizeof(T), "fill"));
  if (count == 0) return;
  device.enqueue(stream, {[=, &device] {
                   std::fill_n(at, count, value);
                   device.tape.filled(to, value, sizeof(T), count * sizeof(T));
                 }});
}

void finish(Device& device, CUstream_st& stream) {
  if (stream.graph != nullptr)
    throw DriverError(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "a waiting copy is captured");
  device.drain(stream);
}

}  // namespace

EMULATOR_API CUresult cuMemAlloc_v2(CUdeviceptr* address, std::size_t bytes) {
  return call_in_context("cuMemAlloc", [&](Device& device) { required(address) = device.allocate(bytes); });
}
EMULATOR_API CUresult cuMemFree_v2(CUdeviceptr address) {
  return call_in_context("cuMemFree", [&](Device& device) { device.free(address); });
}
EMULATOR_API CUresult cuMemGetInfo_v2(std::size_t* free, std::size_t* total) {
  return call_in_context("cuMemGetInfo", [&](Device& device) {
    required(total) = device.settings.memory;
    required(free) =
        device.settings.memory - std::min<std::size_t>(device.settings.memory, device.memory.used());
  });
}
EMULATOR_API CUresult cuMemHostAlloc(void** memory, std::size_t bytes, unsigned) {
  return call_in_context("cuMemHostAlloc", [&](Device& device) {
    device.require_no_capture("cuMemHostAlloc");
    if (bytes == 0) throw DriverError(CUDA_ERROR_INVALID_VALUE, "cuMemHostAlloc of 0 bytes");
    required(memory) = device.memory.allocate_host(bytes);
    if (*memory == nullptr) throw DriverError(CUDA_ERROR_OUT_OF_MEMORY);
  });
}
EMULATOR_API CUresult cuMemFreeHost(void* memory) {
  return call_in_context("cuMemFreeHost", [&](Device& device) {
    device.drain_all();
    if (!device.memory.release_host(memory)) {
      throw DriverError(CUDA_ERROR_INVALID_VALUE, "the memory is not from cuMemHostAlloc");
    }
  });
}

EMULATOR_API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, std::size_t bytes,
                                           CUstream stream) {
  return call_in_context("cuMemcpyHtoDAsync", [&](Device& device) {
    copy_to_device(device, to, from, bytes, device.stream(stream));
  });
}
EMULATOR_API CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, std::size_t bytes, CUstream stream) {
  return call_in_context("cuMemcpyDtoHAsync", [&](Device& device) {
    copy_to_host(device, to, from, bytes, device.stream(stream));
  });
}
EMULATOR_API CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, std::size_t bytes,
                                           CUstream stream) {
  return call_in_context("cuMemcpyDtoDAsync", [&](Device& device) {
    copy_on_device(device, to, from, bytes, device.stream(stream));
  });
}
EMULATOR_API CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, std::size_t bytes) {
  return call_in_context("cuMemcpyHtoD", [&](Device& device) {
    copy_to_device(device, to, from, bytes, device.stream(nullptr));
    finish(device, device.stream(nullptr));
  });
}
EMULATOR_API CUresult cuMemcpyDtoH_v2(void* to, CUdeviceptr from, std::size_t bytes) {
  return call_in_context("cuMemcpyDtoH", [&](Device& device) {
    copy_to_host(device, to, from, bytes, device.stream(nullptr));
    finish(device, device.stream(nullptr));
  });
}
EMULATOR_API CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, std::size_t bytes) {
  return call_in_context("cuMemcpyDtoD", [&](Device& device) {
    copy_on_device(device, to, from, bytes, device.stream(nullptr));
  });
}

EMULATOR_API CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, std::size_t count,
                                      CUstream stream) {
  return call_in_context("cuMemsetD8Async",
                         [&](Device& device) { fill(device, to, value, count, device.stream(stream)); });
}
EMULATOR_API CUresult cuMemsetD16Async(CUdeviceptr to, unsigned short value, std::size_t count,
                                       CUstream stream) {
  return call_in_context("cuMemsetD16Async",
                         [&](Device& device) { fill(device, to, value, count, device.stream(stream)); });
}
EMULATOR_API CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, std::size_t count, CUstream stream) {
  return call_in_context("cuMemsetD32Async",
                         [&](Device& device) { fill(device, to, value, count, device.stream(stream)); });
}
EMULATOR_API CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, std::size_t count) {
  return cuMemsetD8Async(to, value, count, nullptr);
}
EMULATOR_API CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned value, std::size_t count) {
  return cuMemsetD32Async(to, value, count, nullptr);
}
