#include "data/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/error.h"
#include "data/descriptor.h"

namespace attune {

MappedFile::MappedFile(const std::string& path, MapAccess access) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (file.get() < 0 || fstat(file.get(), &status) != 0) {
    throw Error("file-not-found", path, "Could not open " + path + ": " + system_reason() + ".");
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error("file-not-found", path, "Could not map " + path + ": it is no regular file.");
  }
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) return;
  const int protection = access == MapAccess::read_only ? PROT_READ : PROT_READ | PROT_WRITE;
  // A private mapping may be writable though the file was opened for reading. No swap is set aside for pages
  // that hardly anybody writes to.
  void* mapped = mmap(nullptr, size_, protection, MAP_PRIVATE | MAP_NORESERVE, file.get(), 0);
  if (mapped == MAP_FAILED) {
    throw Error("file-not-found", path, "Could not map " + path + ": " + system_reason() + ".");
  }
  data_ = static_cast<std::byte*>(mapped);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace attune
