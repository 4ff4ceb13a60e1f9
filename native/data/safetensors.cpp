#include "data/safetensors.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "data/descriptor.h"

namespace attune {
namespace {

/// The format's own limit (100 MB): a larger number is not a header length.
constexpr std::uint64_t kMaximumHeader = 100'000'000;
constexpr std::size_t kLengthBytes = 8;

/// 0 where the format has no such type.
[[nodiscard]] std::int64_t bytes_of(std::string_view dtype) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 15> kSizes{{{"F64", 8},
                                                                              {"F32", 4},
                                                                              {"F16", 2},
                                                                              {"BF16", 2},
                                                                              {"I64", 8},
                                                                              {"I32", 4},
                                                                              {"I16", 2},
                                                                              {"I8", 1},
                                                                              {"U8", 1},
                                                                              {"BOOL", 1},
                                                                              {"F8_E4M3", 1},
                                                                              {"F8_E5M2", 1},
                                                                              {"U16", 2},
                                                                              {"U32", 4},
                                                                              {"U64", 8}}};
  for (const auto& [name, size] : kSizes) {
    if (name == dtype) return size;
  }
  return 0;
}

/// IEEE half precision, subnormals included.
[[nodiscard]] float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
  std::uint32_t exponent = (half >> 10) & 0x1fU;
  std::uint32_t fraction = half & 0x3ffU;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000U | (fraction << 13));
  if (exponent == 0) {
    if (fraction == 0) return std::bit_cast<float>(sign);
    exponent = 1;
    while ((fraction & 0x400U) == 0) {
      fraction <<= 1;
      --exponent;
    }
    fraction &= 0x3ffU;
  }
  return std::bit_cast<float>(sign | ((exponent + 112U) << 23) | (fraction << 13));
}

/// Rounds to nearest even; what is too large becomes infinity.
[[nodiscard]] std::uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude > 0x7f800000U) return static_cast<std::uint16_t>(sign | 0x7e00U);
  if (magnitude >= 0x477ff000U) return static_cast<std::uint16_t>(sign | 0x7c00U);
  if (magnitude < 0x38800000U) {
    // Subnormal halves are multiples of 2^-24: adding 0.5 lets the processor round to that grid.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000U));
  }
  const std::uint32_t rounded = magnitude + 0xfffU + ((magnitude >> 13) & 1U);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000U) >> 13));
}

template <class T>
[[nodiscard]] T load(const std::byte* data, std::int64_t index) {
  T value;
  std::memcpy(&value, data + index * static_cast<std::int64_t>(sizeof(T)),
              sizeof(T));  // files need not be aligned
  return value;
}

/// Calls `body` with the function that reads element `index` of a tensor of this dtype as float32.
template <class Body>
void with_reader(std::string_view dtype, const Body& body) {
  if (dtype == "F32") {
    body([](const std::byte* data, std::int64_t index) { return load<float>(data, index); });
  } else if (dtype == "BF16") {
    body([](const std::byte* data, std::int64_t index) { return to_float(load<bfloat16>(data, index)); });
  } else if (dtype == "F16") {
    body([](const std::byte* data, std::int64_t index) {
      return half_to_float(load<std::uint16_t>(data, index));
    });
  } else {
    body([](const std::byte* data, std::int64_t index) {
      return static_cast<float>(load<double>(data, index));
    });
  }
}

template <class Out>
void convert(const std::byte* data, const SafetensorsEntry& entry, Out* out, std::int64_t count,
             bool transpose) {
  with_reader(entry.dtype, [&](const auto& read) {
    if (!transpose) {
      for (std::int64_t i = 0; i < count; ++i) out[i] = from_float<Out>(read(data, i));
      return;
    }
    const std::int64_t rows = entry.shape[0];
    const std::int64_t columns = entry.shape[1];
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t column = 0; column < columns; ++column) {
        out[column * rows + row] = from_float<Out>(read(data, row * columns + column));
      }
    }
  });
}

void write_all(int descriptor, const void* data, std::size_t bytes, const std::string& path) {
  const auto* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::write(descriptor, next, bytes);
    if (written < 0) {
      if (errno == EINTR) continue;
      throw Error("file-write-failed", path, "Could not write " + path + ": " + system_reason() + ".");
    }
    next += written;
    bytes -= static_cast<std::size_t>(written);
  }
}

/// Rounded a block at a time, so that a file of gigabytes needs no second copy in memory.
void write_values(int descriptor, const SafetensorsSource& source, const std::string& path) {
  if (source.dtype == DType::u8) {
    write_all(descriptor, source.codes.data(), source.codes.size(), path);
    return;
  }
  if (source.dtype == DType::f32) {
    write_all(descriptor, source.values.data(), source.values.size() * sizeof(float), path);
    return;
  }
  constexpr std::size_t kBlock = 1 << 16;
  std::vector<std::uint16_t> block(std::min(kBlock, source.values.size()));
  for (std::size_t first = 0; first < source.values.size(); first += kBlock) {
    const std::size_t count = std::min(kBlock, source.values.size() - first);
    for (std::size_t i = 0; i < count; ++i) {
      const float value = source.values[first + i];
      block[i] = source.dtype == DType::bf16 ? to_bfloat16(value).bits : float_to_half(value);
    }
    write_all(descriptor, block.data(), count * sizeof(std::uint16_t), path);
  }
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::string& path) : path_(path), file_(path) {
  const std::span<const std::byte> bytes = file_.bytes();
  if (bytes.size() < kLengthBytes) {
    fail("it has " + std::to_string(bytes.size()) + " bytes, too few for a header length");
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kMaximumHeader || length > bytes.size() - kLengthBytes) {
    fail("its header should have " + std::to_string(length) + " bytes but the file has " +
         std::to_string(bytes.size() - kLengthBytes) +
         " after the length; it is truncated or not safetensors");
  }
  data_start_ = kLengthBytes + static_cast<std::size_t>(length);
}

void SafetensorsFile::fail(const std::string& message) const {
  throw Error("invalid-safetensors", path_, path_ + " is not a valid safetensors file: " + message + ".");
}

std::string_view SafetensorsFile::header() const {
  const std::span<const std::byte> bytes = file_.bytes();
  return {reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, data_start_ - kLengthBytes};
}

std::int64_t SafetensorsFile::elements(const SafetensorsEntry& entry) {
  std::int64_t product = 1;
  for (const std::int64_t size : entry.shape) product *= size;
  return product;
}

void SafetensorsFile::set_entries(std::vector<SafetensorsEntry> entries) {
  const auto available = static_cast<std::int64_t>(file_.bytes().size() - data_start_);
  for (const SafetensorsEntry& entry : entries) {
    const std::int64_t size = bytes_of(entry.dtype);
    if (size == 0) fail("tensor " + entry.name + " has the unknown dtype '" + entry.dtype + "'");
    std::int64_t bytes = size;
    for (const std::int64_t axis : entry.shape) {
      // A lying shape may overflow the product; nothing larger than the file is believed.
      if (axis < 0 || (axis > 0 && bytes > (std::int64_t{1} << 62) / axis))
        fail("tensor " + entry.name + " has an impossible shape");
      bytes *= axis;
    }
    if (entry.begin < 0 || entry.end < entry.begin || entry.end > available) {
      fail("tensor " + entry.name + " should lie in bytes " + std::to_string(entry.begin) + " to " +
           std::to_string(entry.end) + " of the data, but there are " + std::to_string(available) +
           " bytes; the file is truncated");
    }
    if (entry.end - entry.begin != bytes) {
      fail("tensor " + entry.name + " has " + std::to_string(entry.end - entry.begin) +
           " bytes, but its dtype and shape need " + std::to_string(bytes));
    }
  }
  std::sort(entries.begin(), entries.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  for (std::size_t index = 1; index < entries.size(); ++index) {
    if (entries[index].begin < entries[index - 1].end) {
      fail("tensors " + entries[index - 1].name + " and " + entries[index].name + " overlap");
    }
  }
  entries_ = std::move(entries);
}

const SafetensorsEntry& SafetensorsFile::entry(std::string_view name) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.name == name; });
  if (found == entries_.end()) {
    throw Error("weights-mismatch", path_, path_ + " has no tensor " + std::string(name) + ".");
  }
  return *found;
}

void SafetensorsFile::read(const SafetensorsEntry& entry, std::span<float> out, bool transpose) const {
  read(entry, reinterpret_cast<std::byte*>(out.data()), DType::f32, transpose);
}

void SafetensorsFile::read(const SafetensorsEntry& entry, std::byte* out, DType dtype, bool transpose) const {
  const bool codes = dtype == DType::u8 && entry.dtype == "U8";
  if (!codes && entry.dtype != "F32" && entry.dtype != "BF16" && entry.dtype != "F16" &&
      entry.dtype != "F64") {
    fail("tensor " + entry.name + " is " + entry.dtype +
         ", which cannot be a weight; F32, F16, BF16 and F64 can");
  }
  const std::byte* data = file_.bytes().data() + data_start_ + entry.begin;
  const bool same = codes || (dtype == DType::f32 && entry.dtype == "F32") ||
                    (dtype == DType::bf16 && entry.dtype == "BF16");
  if (same && !transpose) {
    std::memcpy(out, data, static_cast<std::size_t>(entry.end - entry.begin));
  } else if (dtype == DType::f32) {
    convert(data, entry, reinterpret_cast<float*>(out), elements(entry), transpose);
  } else {
    convert(data, entry, reinterpret_cast<bfloat16*>(out), elements(entry), transpose);
  }
}

void write_safetensors(const std::string& path, std::string header,
                       const std::vector<SafetensorsSource>& sources) {
  while (header.size() % kLengthBytes != 0) header += ' ';
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file.get() < 0) {
    throw Error("file-write-failed", path, "Could not create " + path + ": " + system_reason() + ".");
  }
  const std::uint64_t length = header.size();
  write_all(file.get(), &length, kLengthBytes, path);
  write_all(file.get(), header.data(), header.size(), path);
  for (const SafetensorsSource& source : sources) write_values(file.get(), source, path);
  if (fsync(file.get()) != 0) {
    throw Error("file-write-failed", path, "Could not sync " + path + ": " + system_reason() + ".");
  }
}

}  // namespace attune
