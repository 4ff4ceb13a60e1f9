// Plays a tape that the emulator wrote: `replay TAPE`. Linked with a variant of the emulator it shows a
// sanitizer what kernels did in a program that cannot be built with it. Everything must come to lie where it
// lay, and all that the host read must be the same bits. Prints how often each kernel ran.

#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "driver/tape_format.h"
#include "gpu.h"

namespace {

using emulator::TapeAction;
using emulator::TapeLaunch;
using emulator::TapeRecord;
using test::expect;
using test::expect_equal;

/// Takes values from a record's payload, one after another.
class Payload {
 public:
  explicit Payload(std::vector<char> bytes) : bytes_(std::move(bytes)) {}
  char* take(std::size_t count) {
    expect(count <= bytes_.size() - at_, "the tape is damaged");
    at_ += count;
    return bytes_.data() + at_ - count;
  }
  template <class T>
  T take() {
    T value;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }
  [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }
  std::vector<char>& bytes() { return bytes_; }

 private:
  std::vector<char> bytes_;
  std::size_t at_ = 0;
};

class Player {
 public:
  void play(const TapeRecord& record, Payload payload) {
    switch (record.action) {
      case TapeAction::load:
        return load(payload);
      case TapeAction::unload:
        return MUST(cuModuleUnload(modules_.at(record.number)));
      case TapeAction::allocate:
        return allocate(record);
      case TapeAction::free:
        return MUST(cuMemFree_v2(record.address));
      case TapeAction::write:
        return MUST(cuMemcpyHtoD_v2(record.address, payload.bytes().data(), payload.bytes().size()));
      case TapeAction::copy:
        return MUST(cuMemcpyDtoDAsync_v2(record.address, record.operand, record.bytes, nullptr));
      case TapeAction::fill:
        return fill(record);
      case TapeAction::launch:
        return launch(record, payload);
      case TapeAction::read:
        return compare(record, payload);
      case TapeAction::release:
        context_.emplace();
        return;
    }
    throw std::runtime_error("the tape is damaged");
  }

  void report() const {
    for (const auto& [name, count] : launches_) std::printf("launched %s %d\n", name.c_str(), count);
  }

 private:
  void load(Payload& ptx) {
    ptx.bytes().push_back('\0');
    MUST(cuModuleLoadData(&modules_.emplace_back(), ptx.bytes().data()));
  }

  static void allocate(const TapeRecord& record) {
    CUdeviceptr address = 0;
    MUST(cuMemAlloc_v2(&address, record.bytes));
    expect_equal(address, record.address, "the address of an allocation");
  }

  static void fill(const TapeRecord& record) {
    const std::size_t count = record.bytes / record.number;
    if (record.number == 1) {
      MUST(cuMemsetD8Async(record.address, static_cast<unsigned char>(record.operand), count, nullptr));
    } else if (record.number == 2) {
      MUST(cuMemsetD16Async(record.address, static_cast<unsigned short>(record.operand), count, nullptr));
    } else {
      MUST(cuMemsetD32Async(record.address, static_cast<unsigned>(record.operand), count, nullptr));
    }
  }

  void launch(const TapeRecord& record, Payload& payload) {
    const auto shape = payload.take<TapeLaunch>();
    const std::string name(payload.take(shape.name_bytes), shape.name_bytes);
    std::vector<void*> parameters;
    while (!payload.at_end()) parameters.push_back(payload.take(payload.take<std::uint32_t>()));
    const CUfunction kernel = test::function(modules_.at(record.number), name);
    MUST(cuFuncSetAttribute(kernel, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                            static_cast<int>(shape.dynamic_shared_bytes)));
    const auto& [x, y, z] = shape.blocks;
    const auto& [tx, ty, tz] = shape.threads;
    MUST(cuLaunchKernel(kernel, x, y, z, tx, ty, tz, shape.dynamic_shared_bytes, nullptr, parameters.data(),
                        nullptr));
    test::must(cuCtxSynchronize(), name.c_str());
    ++launches_[name];
  }

  void compare(const TapeRecord& record, Payload& payload) {
    std::vector<char> found(payload.bytes().size());
    MUST(cuMemcpyDtoH_v2(found.data(), record.address, found.size()));
    expect(found == payload.bytes(), "what was read is not what was recorded");
  }

  std::optional<test::Context> context_{std::in_place};
  std::vector<CUmodule> modules_;
  std::map<std::string, int> launches_;
};

void play(const char* path) {
  std::ifstream tape(path, std::ios::binary);
  char magic[sizeof emulator::kTapeMagic] = {};
  tape.read(magic, sizeof magic);
  expect(std::memcmp(magic, emulator::kTapeMagic, sizeof magic) == 0, std::string(path) + " is no tape");
  Player player;
  for (TapeRecord record{}; tape.read(reinterpret_cast<char*>(&record), sizeof record);) {
    std::vector<char> payload(record.payload_bytes);
    tape.read(payload.data(), static_cast<std::streamsize>(payload.size()));
    expect(!tape.fail(), "the tape ends within a record");
    player.play(record, Payload(std::move(payload)));
  }
  player.report();
}

}  // namespace

int main(int, char** arguments) {
  try {
    play(arguments[1]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
