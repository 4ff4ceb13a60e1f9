#include "binding/safetensors_class.h"

#include <utility>

#include "binding/convert.h"

namespace attune::binding {

Napi::Function SafetensorsClass::define(Napi::Env env) {
  return DefineClass(env, "Safetensors",
                     {
                         InstanceAccessor<&SafetensorsClass::path>("path"),
                         InstanceAccessor<&SafetensorsClass::tensors>("tensors"),
                         InstanceAccessor<&SafetensorsClass::metadata>("metadata"),
                         InstanceMethod<&SafetensorsClass::read>("read"),
                         InstanceMethod<&SafetensorsClass::close>("close"),
                     });
}

SafetensorsClass::SafetensorsClass(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<SafetensorsClass>(info) {
  guarded(info.Env(), [&] {
    file_ = std::make_shared<SafetensorsFile>(to_text(info[0], "path"));
    parse_header(info.Env());
    return info.Env().Undefined();
  });
}

/// JavaScript's own parser reads the header: a well-kept one is at hand.
void SafetensorsClass::parse_header(Napi::Env env) {
  const std::string& path = file_->path();
  const auto invalid = [&](const std::string& reason) {
    return Error("invalid-safetensors", path, path + " is not a valid safetensors file: " + reason + ".");
  };
  Napi::Value parsed;
  try {
    const Napi::Object json = env.Global().Get("JSON").As<Napi::Object>();
    parsed = json.Get("parse").As<Napi::Function>().Call(
        json, {Napi::String::New(env, std::string(file_->header()))});
  } catch (const Napi::Error&) {
    throw invalid("its header is not JSON");
  }
  if (!parsed.IsObject() || parsed.IsArray()) throw invalid("its header is not an object");
  const auto header = parsed.As<Napi::Object>();
  const Napi::Array names = header.GetPropertyNames();
  Napi::Object metadata = Napi::Object::New(env);
  std::vector<SafetensorsEntry> entries;
  for (std::uint32_t index = 0; index < names.Length(); ++index) {
    const std::string name = names.Get(index).ToString().Utf8Value();
    const Napi::Value value = header.Get(name);
    if (name == "__metadata__") {
      if (value.IsObject()) metadata = value.As<Napi::Object>();
      continue;
    }
    try {
      const Napi::Object fields = to_object(value, name);
      const std::vector<std::int64_t> offsets =
          to_integers(fields.Get("data_offsets"), name + ".data_offsets");
      if (offsets.size() != 2) throw invalid("tensor " + name + " has no two data_offsets");
      entries.push_back({.name = name,
                         .dtype = to_text(fields.Get("dtype"), name + ".dtype"),
                         .shape = to_integers(fields.Get("shape"), name + ".shape"),
                         .begin = offsets[0],
                         .end = offsets[1]});
    } catch (const Error& error) {
      if (error.code() == "invalid-safetensors") throw;
      throw invalid(std::string("in its header: ") + error.what());
    }
  }
  file_->set_entries(std::move(entries));
  metadata_ = Napi::Persistent(metadata);
}

std::shared_ptr<const SafetensorsFile> SafetensorsClass::file() const {
  if (!file_) throw Error("disposed", "safetensors", "The safetensors file was closed.");
  return file_;
}

Napi::Value SafetensorsClass::path(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return Napi::String::New(info.Env(), file()->path()); });
}

Napi::Value SafetensorsClass::tensors(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto open = file();
    Napi::Array list = Napi::Array::New(info.Env(), open->entries().size());
    std::uint32_t index = 0;
    for (const SafetensorsEntry& entry : open->entries()) {
      Napi::Array shape = Napi::Array::New(info.Env(), entry.shape.size());
      for (std::size_t axis = 0; axis < entry.shape.size(); ++axis) {
        shape.Set(static_cast<std::uint32_t>(axis), static_cast<double>(entry.shape[axis]));
      }
      Napi::Object tensor = Napi::Object::New(info.Env());
      tensor.Set("name", entry.name);
      tensor.Set("dtype", entry.dtype);
      tensor.Set("shape", shape);
      list.Set(index++, tensor);
    }
    return list;
  });
}

Napi::Value SafetensorsClass::metadata(const Napi::CallbackInfo& /*info*/) { return metadata_.Value(); }

Napi::Value SafetensorsClass::read(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto open = file();
    const SafetensorsEntry& entry = open->entry(to_text(info[0], "name"));
    std::vector<float> values(static_cast<std::size_t>(SafetensorsFile::elements(entry)));
    open->read(entry, values, false);
    return from_floats(info.Env(), std::move(values));
  });
}

Napi::Value SafetensorsClass::close(const Napi::CallbackInfo& info) {
  file_.reset();
  return info.Env().Undefined();
}

}  // namespace attune::binding
