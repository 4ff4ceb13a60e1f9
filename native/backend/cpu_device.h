#pragma once

#include <memory>
#include <utility>

#include "backend/device.h"

namespace attune {

/// The processor: its memory is the host's.
class CpuDevice final : public Device {
 public:
  /// With kernels of one instruction set.
  CpuDevice(std::shared_ptr<const KernelTable> kernels, std::string instruction_set)
      : kernels_(std::move(kernels)), instruction_set_(std::move(instruction_set)) {}

  [[nodiscard]] const char* name() const override { return "cpu"; }
  [[nodiscard]] const std::string& hardware() const override { return instruction_set_; }
  [[nodiscard]] const KernelTable& kernels() const override { return *kernels_; }
  [[nodiscard]] bool host_accessible() const override { return true; }
  [[nodiscard]] DeviceMemory allocate(std::size_t bytes, const char* what) override;
  [[nodiscard]] DeviceMemory enlarge(DeviceMemory memory, std::size_t bytes, const char* what) override;
  void release(std::byte* data, std::size_t bytes) noexcept override;
  void write(std::byte* to, std::span<const std::byte> from) override;
  void read(std::span<std::byte> to, const std::byte* from) override;
  void copy(std::byte* to, const std::byte* from, std::size_t bytes) override;
  void zero(std::byte* to, std::size_t bytes) override;
  void repeat(const Run& /*run*/, const std::function<void()>& queue) override { queue(); }
  void wait() override {}

 private:
  std::shared_ptr<const KernelTable> kernels_;
  std::string instruction_set_;
};

}  // namespace attune
