#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"
#include "core/shape.h"
#include "data/mapped_file.h"

namespace attune {

/// One entry of a safetensors header, as written in the file.
struct SafetensorsEntry {
  std::string name;
  std::string dtype;  ///< F32, BF16, F16, F64, I64, …
  std::vector<std::int64_t> shape;
  std::int64_t begin = 0;  ///< bytes from the end of the header
  std::int64_t end = 0;
};

/// A checked safetensors file (https://github.com/huggingface/safetensors): 8 bytes of header length, a JSON
/// header, the data. JSON is parsed by the caller (the binding has JavaScript's own parser); everything else
/// is checked here.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::string& path);

  /// The JSON header. Throws Error{"invalid-safetensors"} on a truncated or lying file.
  [[nodiscard]] std::string_view header() const;
  /// Checks dtype, shape, offsets and overlap of every entry against the file. Throws
  /// Error{"invalid-safetensors"} naming the tensor.
  void set_entries(std::vector<SafetensorsEntry> entries);

  [[nodiscard]] const std::vector<SafetensorsEntry>& entries() const { return entries_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Throws Error{"weights-mismatch"} where there is no such tensor.
  [[nodiscard]] const SafetensorsEntry& entry(std::string_view name) const;
  [[nodiscard]] static std::int64_t elements(const SafetensorsEntry& entry);
  /// Widens to float32. `transpose`: a 2-D tensor is written the other way round.
  void read(const SafetensorsEntry& entry, std::span<float> out, bool transpose) const;
  /// To a parameter's own dtype, without a float32 copy where the file already has it. u8 is read as it is.
  void read(const SafetensorsEntry& entry, std::byte* out, DType dtype, bool transpose) const;

 private:
  [[noreturn]] void fail(const std::string& message) const;

  std::string path_;
  MappedFile file_;
  std::size_t data_start_ = 0;
  std::vector<SafetensorsEntry> entries_;
};

/// What is written: float32 values that are rounded on the way, or, of u8, codes as they are.
struct SafetensorsSource {
  DType dtype = DType::f32;
  std::span<const float> values = {};
  std::span<const std::byte> codes = {};
};

/// Writes header length, header (padded with spaces to 8 bytes) and data, then syncs. Throws
/// Error{"file-write-failed"}.
void write_safetensors(const std::string& path, std::string header,
                       const std::vector<SafetensorsSource>& sources);

}  // namespace attune
