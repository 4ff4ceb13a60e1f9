#pragma once

#include <napi.h>

#include <memory>

#include "binding/worker.h"
#include "engine/engine.h"

namespace attune::binding {

/// JavaScript's `Session`: an engine and its thread. See NativeSession in lib/native.ts.
class Session : public Napi::ObjectWrap<Session> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Session(const Napi::CallbackInfo& info);
  ~Session() override;

 private:
  [[nodiscard]] std::shared_ptr<Engine> engine() const;

  Napi::Value threads(const Napi::CallbackInfo& info);
  Napi::Value device(const Napi::CallbackInfo& info);
  Napi::Value hardware(const Napi::CallbackInfo& info);
  Napi::Value products(const Napi::CallbackInfo& info);
  Napi::Value device_memory(const Napi::CallbackInfo& info);
  Napi::Value define_parameter(const Napi::CallbackInfo& info);
  Napi::Value remove_parameter(const Napi::CallbackInfo& info);
  Napi::Value load_parameter(const Napi::CallbackInfo& info);
  Napi::Value read_parameter(const Napi::CallbackInfo& info);
  Napi::Value write_parameter(const Napi::CallbackInfo& info);
  Napi::Value init_parameter(const Napi::CallbackInfo& info);
  Napi::Value set_trainable(const Napi::CallbackInfo& info);
  Napi::Value compile(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value copy_slots(const Napi::CallbackInfo& info);
  Napi::Value read_gradient(const Napi::CallbackInfo& info);
  Napi::Value release_gradients(const Napi::CallbackInfo& info);
  Napi::Value create_optimizer(const Napi::CallbackInfo& info);
  Napi::Value regroup_optimizer(const Napi::CallbackInfo& info);
  Napi::Value step(const Napi::CallbackInfo& info);
  Napi::Value save_optimizer(const Napi::CallbackInfo& info);
  Napi::Value load_optimizer(const Napi::CallbackInfo& info);
  Napi::Value save_safetensors(const Napi::CallbackInfo& info);
  Napi::Value memory(const Napi::CallbackInfo& info);
  Napi::Value measure_peak(const Napi::CallbackInfo& info);
  Napi::Value measure_read_bandwidth(const Napi::CallbackInfo& info);
  Napi::Value start_profile(const Napi::CallbackInfo& info);
  Napi::Value take_profile(const Napi::CallbackInfo& info);
  Napi::Value cancel(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  void stop();
  static void stop_hook(void* session);

  std::shared_ptr<Engine> engine_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace attune::binding
