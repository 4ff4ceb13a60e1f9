#pragma once

#include <any>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "core/dtype.h"
#include "core/error.h"
#include "core/philox.h"
#include "core/shape.h"

namespace attune {

class Device;
class ThreadPool;

/// A tensor as a kernel sees it: contiguous, row-major. An absent optional input has `present` false.
struct TensorView {
  void* data = nullptr;
  DType dtype = DType::f32;
  Shape shape;
  bool present = false;
  /// Outputs that are gradients of parameters: add to what is there instead of overwriting it.
  bool accumulate = false;

  template <class T>
  [[nodiscard]] T* as() const noexcept {
    return static_cast<T*>(data);
  }
};

/// One call of a kernel: the op's argument struct (`kernels/<op>.h`) and its tensors.
struct KernelCall {
  const std::any& arguments;
  std::span<const TensorView> inputs;
  std::span<const TensorView> outputs;
  bool shares = false;  ///< `KernelContext::shared` is there

  template <class Arguments>
  [[nodiscard]] const Arguments& as() const {
    return *std::any_cast<Arguments>(&arguments);
  }
};

struct KernelContext {
  Device& device;
  ThreadPool& pool;  ///< of the processor
  std::span<std::byte>
      scratch;       ///< as many bytes as the kernel's `scratch` asked for, 64-byte aligned, not zeroed
  PhiloxKey random;  ///< stream is filled in by the kernel from its arguments
  /// For the first input as this kernel reads it (`SharedForm`), 64-byte aligned, and whether a call before
  /// has written it.
  std::span<std::byte> shared;
  bool shared_written = false;
};

/// A form of its first input that a kernel can leave for calls that read the same: packed panels. Calls share
/// it where both fields are equal.
struct SharedForm {
  std::size_t bytes = 0;  ///< 0: none
  std::uint64_t layout = 0;

  bool operator==(const SharedForm&) const = default;
};

using KernelRun = void (*)(KernelContext&, const KernelCall&);
/// Bytes of scratch for these shapes (the views' data may be null) with this many threads.
using KernelScratch = std::size_t (*)(const KernelCall&, int threads);
using KernelShared = SharedForm (*)(const KernelCall&);
/// Throws where the op's argument struct asks for what the kernel cannot do; `where` names the node.
using KernelCheck = void (*)(const std::any& arguments, const std::string& where);

struct Kernel {
  KernelRun run = nullptr;
  KernelScratch scratch = nullptr;
  KernelCheck check = nullptr;  ///< called once, before anything runs
  KernelShared shared = nullptr;
  bool activates = false;  ///< of linear: applies an activation to what it gives
};

/// Kernels of one device, keyed by op and by the dtype of its activations.
class KernelTable {
 public:
  // In kernel.cpp, not inline: the kernels of every instruction set call add, and the linker keeps one copy
  // of an inline function, perhaps one that this processor cannot run.
  void add(std::string_view op, DType dtype, Kernel kernel);

  /// nullptr where there is none.
  [[nodiscard]] const Kernel* find(std::string_view op, DType dtype) const;

 private:
  std::map<std::tuple<std::string, DType>, Kernel> kernels_;
};

}  // namespace attune
