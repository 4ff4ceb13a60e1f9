#include "binding/map_file.h"

#include <memory>

#include "binding/convert.h"
#include "binding/environment.h"
#include "data/mapped_file.h"

namespace attune::binding {

Napi::Value map_file(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    auto file = std::make_unique<MappedFile>(to_text(info[0], "path"), MapAccess::copy_on_write);
    const std::size_t size = file->bytes().size();
    if (size == 0) return Napi::ArrayBuffer::New(info.Env(), 0);
    std::byte* data = file->data();
    // The buffer owns the mapping: it goes when the last view of it was collected.
    const auto unmap = [](Napi::BasicEnv, void*, MappedFile* mapped) {
      const std::unique_ptr<MappedFile> owner(mapped);
    };
    Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(info.Env(), data, size, unmap, file.get());
    static_cast<void>(file.release());
    return buffer;
  });
}

}  // namespace attune::binding
