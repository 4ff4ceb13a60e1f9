#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace attune {

/// Closes a file descriptor when it goes out of scope.
class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

/// Why the last call failed, in the system's words.
[[nodiscard]] inline std::string system_reason() { return std::strerror(errno); }

}  // namespace attune
