#include "backend/device.h"

#include <utility>

namespace attune {

DeviceMemory::~DeviceMemory() {
  if (data_ != nullptr) device_->release(data_, bytes_);
}

DeviceMemory::DeviceMemory(DeviceMemory&& other) noexcept
    : device_(std::move(other.device_)),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

DeviceMemory& DeviceMemory::operator=(DeviceMemory&& other) noexcept {
  if (this == &other) return *this;
  if (data_ != nullptr) device_->release(data_, bytes_);
  device_ = std::move(other.device_);
  data_ = std::exchange(other.data_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

HostView::HostView(Device& device, std::byte* data, std::size_t bytes, Access access)
    : device_(device), data_(data), bytes_(bytes) {
  if (device.host_accessible() || bytes == 0) return;
  copy_ = AlignedMemory(bytes, "a copy for the host");
  if (access == Access::read) device.read({copy_.data(), bytes}, data);
}

void HostView::finish() {
  if (copy_.data() != nullptr) device_.write(data_, {copy_.data(), bytes_});
}

}  // namespace attune
