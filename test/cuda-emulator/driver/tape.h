#pragma once

#include <fstream>
#include <map>
#include <string>

#include "driver/kernel_module.h"
#include "driver/tape_format.h"
#include "scheduler/launch.h"

namespace emulator {

/// What is done to the device, in the order in which it happens, for programs/replay.cpp to do again under a
/// sanitizer. Graphs are written as the work that they are made of. While no tape is open, nothing is kept.
class Tape {
 public:
  /// Writes to `folder`/<process>.tape from now on; the device must be as new. Throws DriverError.
  void open(const std::string& folder);
  [[nodiscard]] bool is_open() const { return file_.is_open(); }

  void loaded(const CUmod_st& module, const std::string& ptx);
  void unloaded(const CUmod_st& module);
  void allocated(CUdeviceptr address, std::size_t bytes);
  void freed(CUdeviceptr address);
  void wrote(CUdeviceptr to, const std::byte* from, std::size_t bytes);
  void copied(CUdeviceptr to, CUdeviceptr from, std::size_t bytes);
  void filled(CUdeviceptr to, std::uint64_t value, std::size_t width, std::size_t bytes);
  /// Before it runs: what a kernel that fails was given is on the tape.
  void launching(const Launch& launch);
  void read(CUdeviceptr from, const std::byte* found, std::size_t bytes);
  void released();

 private:
  void write(TapeRecord record, const void* payload = nullptr, std::size_t payload_bytes = 0);

  std::ofstream file_;
  std::string path_;
  std::uint32_t modules_ = 0;
  std::map<const void*, std::uint32_t> numbers_;  // of a module, by its address and those of its kernels
};

}  // namespace emulator
