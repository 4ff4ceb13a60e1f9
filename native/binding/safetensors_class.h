#pragma once

#include <napi.h>

#include <memory>

#include "data/safetensors.h"

namespace attune::binding {

/// JavaScript's `Safetensors`: see NativeSafetensors in lib/native.ts.
class SafetensorsClass : public Napi::ObjectWrap<SafetensorsClass> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit SafetensorsClass(const Napi::CallbackInfo& info);

  /// Throws Error{"disposed"} after close(). Shared: a load in progress keeps the mapping.
  [[nodiscard]] std::shared_ptr<const SafetensorsFile> file() const;

 private:
  void parse_header(Napi::Env env);
  Napi::Value path(const Napi::CallbackInfo& info);
  Napi::Value tensors(const Napi::CallbackInfo& info);
  Napi::Value metadata(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  std::shared_ptr<SafetensorsFile> file_;
  Napi::ObjectReference metadata_;
};

}  // namespace attune::binding
