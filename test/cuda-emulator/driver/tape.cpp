#include "driver/tape.h"

#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "driver/driver_error.h"

namespace emulator {
namespace {

template <class T>
void append(std::string& to, const T& value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// Whether all words are the first: buffers that a test filled with one value would make up most of a tape.
bool repeats_one_word(CUdeviceptr to, const std::byte* from, std::size_t bytes) {
  if (to % 4 != 0 || bytes % 4 != 0 || bytes < 8) return false;
  return std::memcmp(from, from + 4, bytes - 4) == 0;
}

}  // namespace

void Tape::open(const std::string& folder) {
  std::filesystem::create_directories(folder);
  path_ = folder + "/" + std::to_string(getpid()) + ".tape";
  file_.open(path_, std::ios::binary | std::ios::trunc);
  file_.write(kTapeMagic, sizeof kTapeMagic);
  if (!file_) throw DriverError(CUDA_ERROR_INVALID_VALUE, "the tape " + path_ + " cannot be written");
}

/// Each record leaves the process at once, which may end without a word.
void Tape::write(TapeRecord record, const void* payload, std::size_t payload_bytes) {
  record.payload_bytes = payload_bytes;
  file_.write(reinterpret_cast<const char*>(&record), sizeof record);
  file_.write(static_cast<const char*>(payload), static_cast<std::streamsize>(payload_bytes));
  file_.flush();
  if (!file_) throw DriverError(CUDA_ERROR_UNKNOWN, "the tape " + path_ + " cannot be written");
}

void Tape::loaded(const CUmod_st& module, const std::string& ptx) {
  if (!is_open()) return;
  numbers_[module.module] = modules_;
  for (const auto& [name, function] : module.functions) numbers_[function.kernel] = modules_;
  ++modules_;
  write({.action = TapeAction::load}, ptx.data(), ptx.size());
}

void Tape::unloaded(const CUmod_st& module) {
  if (!is_open()) return;
  write({.action = TapeAction::unload, .number = numbers_.at(module.module)});
}

void Tape::allocated(CUdeviceptr address, std::size_t bytes) {
  if (!is_open()) return;
  write({.action = TapeAction::allocate, .address = address, .bytes = bytes});
}

void Tape::freed(CUdeviceptr address) {
  if (!is_open()) return;
  write({.action = TapeAction::free, .address = address});
}

void Tape::wrote(CUdeviceptr to, const std::byte* from, std::size_t bytes) {
  if (!is_open()) return;
  if (repeats_one_word(to, from, bytes)) {
    std::uint32_t word = 0;
    std::memcpy(&word, from, sizeof word);
    filled(to, word, sizeof word, bytes);
  } else {
    write({.action = TapeAction::write, .address = to}, from, bytes);
  }
}

void Tape::copied(CUdeviceptr to, CUdeviceptr from, std::size_t bytes) {
  if (!is_open()) return;
  write({.action = TapeAction::copy, .address = to, .operand = from, .bytes = bytes});
}

void Tape::filled(CUdeviceptr to, std::uint64_t value, std::size_t width, std::size_t bytes) {
  if (!is_open()) return;
  write({.action = TapeAction::fill,
         .number = static_cast<std::uint32_t>(width),
         .address = to,
         .operand = value,
         .bytes = bytes});
}

void Tape::launching(const Launch& launch) {
  if (!is_open()) return;
  const Kernel& kernel = *launch.kernel;
  const auto& [x, y, z] = launch.blocks;
  const auto& [tx, ty, tz] = launch.threads;
  std::string payload;
  append(payload, TapeLaunch{{x, y, z},
                             {tx, ty, tz},
                             launch.dynamic_shared_bytes,
                             static_cast<std::uint32_t>(std::strlen(kernel.name))});
  payload += kernel.name;
  for (std::uint32_t i = 0; i < kernel.parameter_count; ++i) {
    const Parameter& parameter = kernel.parameters[i];
    append(payload, parameter.bytes);
    payload.append(reinterpret_cast<const char*>(launch.parameters.data()) + parameter.offset,
                   parameter.bytes);
  }
  write({.action = TapeAction::launch, .number = numbers_.at(&kernel)}, payload.data(), payload.size());
}

void Tape::read(CUdeviceptr from, const std::byte* found, std::size_t bytes) {
  if (!is_open()) return;
  write({.action = TapeAction::read, .address = from}, found, bytes);
}

void Tape::released() {
  if (!is_open()) return;
  write({.action = TapeAction::release});
}

}  // namespace emulator
