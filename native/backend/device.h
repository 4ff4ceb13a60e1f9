#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/aligned_memory.h"
#include "core/philox.h"

namespace attune {

class Device;
class KernelTable;

/// Memory of a device, given back by the destructor. Moves, never copies.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  /// Takes over what `device` allocated.
  DeviceMemory(std::shared_ptr<Device> device, std::byte* data, std::size_t bytes)
      : device_(std::move(device)), data_(data), bytes_(bytes) {}
  ~DeviceMemory();
  DeviceMemory(DeviceMemory&& other) noexcept;
  DeviceMemory& operator=(DeviceMemory&& other) noexcept;
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  /// An address of the device: the host may follow it only where `host_accessible()`.
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// The memory without its owner.
  [[nodiscard]] std::byte* let_go() noexcept {
    bytes_ = 0;
    return std::exchange(data_, nullptr);
  }

 private:
  std::shared_ptr<Device> device_;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Where tensors lie and kernels run. What is asked of it happens in the order of the calls, kernels
/// included; `read` waits for all that came before, and throws what went wrong there.
class Device : public std::enable_shared_from_this<Device> {
 public:
  virtual ~Device() = default;

  /// As in `Model.load({ device })`.
  [[nodiscard]] virtual const char* name() const = 0;
  /// What it is: the instruction set of a processor's kernels, the name of a GPU.
  [[nodiscard]] virtual const std::string& hardware() const = 0;
  /// Whose matrix products it computes with.
  [[nodiscard]] virtual std::string products() const { return "attune"; }
  [[nodiscard]] virtual const KernelTable& kernels() const = 0;
  /// Bytes of its memory, where it has its own.
  struct Capacity {
    std::size_t free = 0;
    std::size_t total = 0;
  };
  [[nodiscard]] virtual std::optional<Capacity> capacity() const { return std::nullopt; }
  /// Whether its addresses are the host's too.
  [[nodiscard]] virtual bool host_accessible() const = 0;

  /// Zeros. Throws Error{"out-of-memory"} naming `what`.
  [[nodiscard]] virtual DeviceMemory allocate(std::size_t bytes, const char* what) = 0;
  /// `memory` in another size: not zeros, and what lay in it is lost. Throws as `allocate` does.
  [[nodiscard]] virtual DeviceMemory enlarge(DeviceMemory memory, std::size_t bytes, const char* what) {
    memory = {};  // old and new need not exist together
    return allocate(bytes, what);
  }
  virtual void release(std::byte* data, std::size_t bytes) noexcept = 0;

  /// The host's memory may change as soon as it returns.
  virtual void write(std::byte* to, std::span<const std::byte> from) = 0;
  virtual void read(std::span<std::byte> to, const std::byte* from) = 0;
  virtual void copy(std::byte* to, const std::byte* from, std::size_t bytes) = 0;
  virtual void zero(std::byte* to, std::size_t bytes) = 0;
  /// What all that a run queues depends on, beside what lies in memory.
  struct Run {
    std::shared_ptr<const void> schedule;  ///< its owner says which, as long as it lives
    bool accumulate = false;
    PhiloxKey random;  ///< kernels that draw get it
  };
  /// Has `queue` queue a run. A device that can record it need not call `queue` when the same run comes
  /// again: then the same kernels run with the same arguments, but for the random key.
  virtual void repeat(const Run& run, const std::function<void()>& queue) = 0;
  /// Until all that was asked for is done. Throws what went wrong there.
  virtual void wait() = 0;
};

/// A device's memory as the host sees it: the memory itself where the host can reach it, else a copy.
class HostView {
 public:
  enum class Access : std::uint8_t {
    read,   ///< what is there
    write,  ///< nothing is there yet; what is written arrives with `finish`
  };
  HostView(Device& device, std::byte* data, std::size_t bytes, Access access);

  [[nodiscard]] std::byte* data() const { return copy_.data() != nullptr ? copy_.data() : data_; }
  template <class T>
  [[nodiscard]] T* as() const {
    return reinterpret_cast<T*>(data());
  }
  /// Brings what was written to the device.
  void finish();

 private:
  Device& device_;
  std::byte* data_;
  std::size_t bytes_;
  AlignedMemory copy_;
};

}  // namespace attune
