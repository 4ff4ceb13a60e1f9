// Fat binaries as nvcc writes them: a header, then entries of machine code or PTX, each with a header of its
// own.

#include <cstring>

#include "driver/driver_error.h"
#include "driver/kernel_module.h"

namespace emulator {
namespace {

constexpr std::uint32_t kWrapperMagic = 0x466243b1;
constexpr std::uint32_t kFatBinaryMagic = 0xba55ed50;

struct Wrapper {
  std::uint32_t magic;
  std::uint32_t version;
  const void* data;
};

struct FatBinaryHeader {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t header_bytes;
  std::uint64_t bytes;  // of all entries
};

struct EntryHeader {
  std::uint16_t kind;  // 1: PTX
  std::uint16_t version;
  std::uint32_t header_bytes;
  std::uint64_t bytes;
  std::uint32_t compressed_bytes;  // 0: it is not compressed
  std::uint32_t options;
  std::uint16_t minor;
  std::uint16_t major;
  std::uint32_t architecture;  // 80
};

bool is_text(const char* image) {
  // Comments and directives are all that a PTX text can begin with.
  while (*image == ' ' || *image == '\n' || *image == '\t' || *image == '\r') ++image;
  return *image == '.' || (image[0] == '/' && (image[1] == '/' || image[1] == '*'));
}

}  // namespace

std::string ptx_of_image(const void* image, int compute_capability) {
  std::uint32_t magic = 0;
  std::memcpy(&magic, image, sizeof magic);
  if (magic == kWrapperMagic) {
    Wrapper wrapper{};
    std::memcpy(&wrapper, image, sizeof wrapper);
    return ptx_of_image(wrapper.data, compute_capability);
  }
  const auto* at = static_cast<const char*>(image);
  if (magic != kFatBinaryMagic) {
    if (is_text(at)) return at;
    throw DriverError(CUDA_ERROR_INVALID_IMAGE, "the image is neither PTX nor a fat binary");
  }
  FatBinaryHeader header{};
  std::memcpy(&header, at, sizeof header);
  at += header.header_bytes;
  const char* const end = at + header.bytes;
  std::string best;
  std::uint32_t best_architecture = 0;
  while (at < end) {
    EntryHeader entry{};
    std::memcpy(&entry, at, sizeof entry);
    const char* const text = at + entry.header_bytes;
    at = text + entry.bytes;
    const bool runs = entry.architecture <= static_cast<std::uint32_t>(compute_capability);
    if (entry.kind != 1 || !runs || entry.architecture <= best_architecture) continue;
    if (entry.compressed_bytes != 0) {
      throw DriverError(CUDA_ERROR_INVALID_IMAGE,
                        "the PTX is compressed: build the fat binary with nvcc --no-compress");
    }
    best.assign(text, strnlen(text, entry.bytes));
    best_architecture = entry.architecture;
  }
  if (best.empty()) {
    throw DriverError(CUDA_ERROR_NO_BINARY_FOR_GPU, "the fat binary has no PTX for compute capability " +
                                                        std::to_string(compute_capability / 10) + "." +
                                                        std::to_string(compute_capability % 10));
  }
  return best;
}

}  // namespace emulator
