#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "backend/cublaslt_multiplier.h"
#include "backend/cuda_driver.h"
#include "backend/device.h"

namespace attune {

/// How a kernel's threads lie: (x, y, z) blocks of `threads`, each block with so much shared memory beside
/// what the kernel declares. Where x, y or z is 0 there is nothing to do.
struct CudaGrid {
  std::int64_t x = 1;
  std::int64_t y = 1;
  std::int64_t z = 1;
  int threads = 128;
  int shared_bytes = 0;
};

/// One NVIDIA GPU. Everything runs on one stream, so in the order of the calls, whatever threads they come
/// from.
class CudaDevice final : public Device {
 public:
  /// The first GPU. `folder` has the kernels, a fat binary for each file of native/kernels/cuda. `graphs`:
  /// whether runs that come again are recorded.
  /// Throws Error{"unsupported-device"}: no driver, an old one, no GPU, one below compute capability 8.0, no
  /// kernels, or a cuBLASLt that was asked for and cannot be used.
  [[nodiscard]] static std::shared_ptr<CudaDevice> open(std::shared_ptr<const KernelTable> kernels,
                                                        std::string folder, bool graphs);
  ~CudaDevice() override;
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  [[nodiscard]] const char* name() const override { return "cuda"; }
  [[nodiscard]] const std::string& hardware() const override { return model_; }
  /// "attune", or cuBLASLt with its version and file.
  [[nodiscard]] std::string products() const override;
  [[nodiscard]] int multiprocessors() const { return multiprocessors_; }
  /// Bytes of shared memory that a block can have.
  [[nodiscard]] int shared_memory() const { return shared_memory_; }
  [[nodiscard]] const KernelTable& kernels() const override { return *kernels_; }
  [[nodiscard]] std::optional<Capacity> capacity() const override;
  [[nodiscard]] bool host_accessible() const override { return false; }
  [[nodiscard]] DeviceMemory allocate(std::size_t bytes, const char* what) override;
  void release(std::byte* data, std::size_t bytes) noexcept override;
  void write(std::byte* to, std::span<const std::byte> from) override;
  void read(std::span<std::byte> to, const std::byte* from) override;
  void copy(std::byte* to, const std::byte* from, std::size_t bytes) override;
  void zero(std::byte* to, std::size_t bytes) override;
  /// A run that comes a second time is recorded as a CUDA graph; from the third on that is launched. Not
  /// where `graphs` is false.
  void repeat(const Run& run, const std::function<void()>& queue) override;
  void wait() override;

  /// Queues `kernel` of the file `module` with its argument struct, which it gets by value.
  template <class Arguments>
  void launch(const char* module, const std::string& kernel, const CudaGrid& grid, Arguments arguments) {
    launch_with(module, kernel, grid, &arguments);
  }

  /// Whether cuBLASLt is here and has an algorithm for it.
  [[nodiscard]] bool can_multiply(const cuda::BlasProduct& product);
  /// Queues a product that it can multiply.
  void multiply(const cuda::BlasProduct& product);

  /// Values that never change, on the device from the first time on: tables of an op's arguments.
  template <class T>
  [[nodiscard]] const T* constant(std::span<const T> values) {
    return static_cast<const T*>(constant_bytes(std::as_bytes(values)));
  }
  /// The random key of the run, in the device's memory: recorded kernels find another one there each time.
  [[nodiscard]] const PhiloxKey* random() const { return reinterpret_cast<const PhiloxKey*>(random_); }

 private:
  /// A run by its schedule and whether it accumulates.
  struct Recording {
    std::weak_ptr<const void> schedule;
    bool accumulate = false;
    cuda::GraphExec graph = nullptr;  ///< null: it came once, and was not recorded
  };

  struct KernelFunction {
    cuda::Function function = nullptr;
    int shared_bytes = 48 << 10;  ///< what it may have; more must be asked for
  };

  CudaDevice(std::shared_ptr<const KernelTable> kernels, std::string folder, bool graphs);
  void start();
  void start_cublaslt(int compute_capability_major);
  void launch_with(const char* module, const std::string& kernel, const CudaGrid& grid, void* arguments);
  [[nodiscard]] cuda::Module module(const char* name);
  [[nodiscard]] KernelFunction& function(const char* module, const std::string& kernel);
  [[nodiscard]] const void* constant_bytes(std::span<const std::byte> values);
  [[nodiscard]] Recording* recording_of(const Run& run);
  void record(Recording& recording, const std::function<void()>& queue);
  void forget_recordings();
  [[nodiscard]] std::byte* allocate_bytes(std::size_t bytes, const char* what);
  void finish() const;
  [[nodiscard]] Capacity ask_capacity() const;
  [[nodiscard]] int attribute(cuda::DeviceAttribute which) const;
  /// The driver's calls are made in the device's context, on whatever thread they come.
  void enter() const;

  const cuda::Driver& driver_;
  std::shared_ptr<const KernelTable> kernels_;
  std::string folder_;
  bool graphs_;
  cuda::DeviceNumber number_ = 0;
  std::string model_;
  int multiprocessors_ = 1;
  int shared_memory_ = 0;
  cuda::Context context_ = nullptr;
  cuda::Stream stream_ = nullptr;
  std::byte* staging_ = nullptr;  ///< pinned
  std::size_t staged_ = 0;        ///< bytes of it that copies in the stream may still read
  std::map<std::string, cuda::Module, std::less<>> modules_;
  std::map<std::string, KernelFunction, std::less<>> functions_;  ///< by module and kernel
  std::vector<Recording> recordings_;                             ///< the last ones come last
  std::map<std::string, std::byte*, std::less<>> constants_;      ///< by what is in them
  std::byte* random_ = nullptr;
  std::byte* workspace_ = nullptr;  ///< of cuBLASLt
  std::optional<cuda::CublasLtMultiplier> cublaslt_;
  /// JavaScript's thread allocates while the engine's launches. Held through a recording, which must record
  /// nothing else.
  mutable std::recursive_mutex mutex_;
};

}  // namespace attune
