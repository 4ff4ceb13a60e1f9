#pragma once

#include <memory>
#include <string>
#include <utility>

#include "backend/device.h"
#include "core/error.h"

namespace attune {

/// Stands for a device in plans: graphs are compiled and memory is counted, and nothing is allocated or run,
/// so that there need be no such device here.
class PlannedDevice final : public Device {
 public:
  /// For one with these kernels.
  PlannedDevice(std::string name, std::shared_ptr<const KernelTable> kernels)
      : name_(std::move(name)), kernels_(std::move(kernels)) {}

  [[nodiscard]] const char* name() const override { return name_.c_str(); }
  [[nodiscard]] const std::string& hardware() const override { return name_; }
  [[nodiscard]] const KernelTable& kernels() const override { return *kernels_; }
  [[nodiscard]] bool host_accessible() const override { return false; }
  [[nodiscard]] DeviceMemory allocate(std::size_t bytes, const char* /*what*/) override {
    return {shared_from_this(), nullptr, bytes};
  }
  void release(std::byte* /*data*/, std::size_t /*bytes*/) noexcept override {}
  void write(std::byte* /*to*/, std::span<const std::byte> /*from*/) override { refuse(); }
  void read(std::span<std::byte> /*to*/, const std::byte* /*from*/) override { refuse(); }
  void copy(std::byte* /*to*/, const std::byte* /*from*/, std::size_t /*bytes*/) override { refuse(); }
  void zero(std::byte* /*to*/, std::size_t /*bytes*/) override { refuse(); }
  void repeat(const Run& /*run*/, const std::function<void()>& /*queue*/) override { refuse(); }
  void wait() override {}

 private:
  [[noreturn]] static void refuse() {
    throw Error("internal", "device", "A planned device holds no values.");
  }

  std::string name_;
  std::shared_ptr<const KernelTable> kernels_;
};

}  // namespace attune
