#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace attune {

/// What may be done with the bytes of a mapping. The file itself never changes.
enum class MapAccess {
  read_only,
  /// What is written stays in this process's copy of the page.
  copy_on_write,
};

/// A private mapping of a file as it is now, alive as long as this object, whatever becomes of the file's
/// name: a deleted or replaced file stays mapped. Only a file that is made shorter in place takes bytes away
/// (SIGBUS when one of them is read), so files that are mapped are replaced by renaming, never rewritten.
class MappedFile {
 public:
  /// Throws Error{"file-not-found"}.
  explicit MappedFile(const std::string& path, MapAccess access = MapAccess::read_only);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// Of a copy_on_write mapping.
  [[nodiscard]] std::byte* data() const { return data_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace attune
