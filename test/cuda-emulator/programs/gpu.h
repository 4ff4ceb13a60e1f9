#pragma once

// The emulated device for tests: a context, buffers and kernels. Every failed call throws.

#include <array>
#include <string>
#include <vector>

#include "check.h"
#include "driver.h"

namespace test {

inline void must(CUresult result, const char* what) {
  if (result == CUDA_SUCCESS) return;
  const char* name = nullptr;
  cuGetErrorName(result, &name);
  throw std::runtime_error(std::string(what) + ": " + (name == nullptr ? "?" : name) + ": " +
                           attuneCudaEmulatorMessage());
}
#define MUST(call) ::test::must(call, #call)

/// The primary context, fresh: an error that an earlier one died of is gone.
class Context {
 public:
  Context() {
    MUST(cuInit(0));
    CUcontext context = nullptr;
    MUST(cuDevicePrimaryCtxRetain(&context, 0));
    MUST(cuCtxSetCurrent(context));
  }
  ~Context() { cuDevicePrimaryCtxRelease_v2(0); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

/// Device memory; it dies with the context.
template <class T>
struct Buffer {
  explicit Buffer(std::size_t count) : size(count) { MUST(cuMemAlloc_v2(&address, count * sizeof(T))); }
  explicit Buffer(const std::vector<T>& values) : Buffer(values.size()) { write(values); }
  void write(const std::vector<T>& values) {
    MUST(cuMemcpyHtoD_v2(address, values.data(), values.size() * sizeof(T)));
  }
  [[nodiscard]] std::vector<T> read() const {
    std::vector<T> values(size);
    MUST(cuMemcpyDtoH_v2(values.data(), address, size * sizeof(T)));
    return values;
  }
  CUdeviceptr address = 0;
  std::size_t size;
};

inline CUmodule load(const std::string& ptx) {
  CUmodule module = nullptr;
  MUST(cuModuleLoadData(&module, ptx.c_str()));
  return module;
}

inline CUfunction function(CUmodule module, const std::string& name) {
  CUfunction result = nullptr;
  MUST(cuModuleGetFunction(&result, module, name.c_str()));
  return result;
}

struct Shape {
  unsigned blocks = 1;
  unsigned threads = 32;
  unsigned shared = 0;
  CUstream stream = nullptr;
};

/// Queues a launch; the arguments are taken by value.
template <class... Arguments>
CUresult try_launch(CUfunction kernel, const Shape& shape, Arguments... arguments) {
  void* pointers[] = {&arguments..., nullptr};
  return cuLaunchKernel(kernel, shape.blocks, 1, 1, shape.threads, 1, 1, shape.shared, shape.stream, pointers,
                        nullptr);
}
template <class... Arguments>
void launch(CUfunction kernel, const Shape& shape, Arguments... arguments) {
  must(try_launch(kernel, shape, arguments...), "cuLaunchKernel");
}

/// A module of one kernel named k, with parameters p0, p1, … of 64 bits and registers of every kind.
inline std::string kernel(const std::string& body, int parameters = 1, const std::string& before = "",
                          const std::string& directives = "") {
  std::string text = ".version 8.0\n.target sm_80\n.address_size 64\n" + before + "\n.visible .entry k(";
  for (int i = 0; i < parameters; ++i)
    text += std::string(i > 0 ? ", " : "") + ".param .u64 p" + std::to_string(i);
  text +=
      ")\n" + directives +
      "\n{\n.reg .pred %p<9>;\n.reg .b16 %h<33>;\n.reg .b32 %r<33>;\n.reg .b64 %d<33>;\n.reg .f32 %f<33>;\n";
  for (int i = 0; i < parameters; ++i)
    text += "ld.param.u64 %d" + std::to_string(i) + ", [p" + std::to_string(i) + "];\n";
  return text + "mov.u32 %r0, %tid.x;\n" + body + "\nret;\n}\n";
}

}  // namespace test
