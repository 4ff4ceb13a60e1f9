#pragma once

#include <map>
#include <memory>
#include <string>

#include "driver/driver_error.h"

namespace emulator {

/// Objects that programs know by their address. An address that is no such object is told apart.
template <class T>
class Handles {
 public:
  explicit Handles(const char* what) : what_(what) {}

  T* add(std::unique_ptr<T> object) {
    T* handle = object.get();
    objects_[handle] = std::move(object);
    return handle;
  }
  /// Throws DriverError.
  T& at(T* handle) const {
    const auto found = objects_.find(handle);
    if (found == objects_.end()) {
      throw DriverError(CUDA_ERROR_INVALID_HANDLE, "the " + what_ + " was destroyed or never was");
    }
    return *found->second;
  }
  void remove(T* handle) { objects_.erase(&at(handle)); }
  void clear() { objects_.clear(); }

  /// Pairs of address and owner.
  [[nodiscard]] auto begin() const { return objects_.begin(); }
  [[nodiscard]] auto end() const { return objects_.end(); }

 private:
  std::string what_;
  std::map<T*, std::unique_ptr<T>> objects_;
};

}  // namespace emulator
