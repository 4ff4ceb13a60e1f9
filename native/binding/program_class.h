#pragma once

#include <napi.h>

#include <memory>
#include <utility>

#include "engine/engine.h"

namespace attune::binding {

/// What a session hands out: an object of the core, and the engine that keeps it. Weak, so that disposing of
/// the session frees everything at once, whatever JavaScript still holds.
template <class Core>
struct Handle {
  std::weak_ptr<Engine> engine;
  std::weak_ptr<Core> object;

  /// The engine forgets the object, and with it goes its memory.
  void let_go() {
    const auto owner = engine.lock();
    const auto held = object.lock();
    if (owner && held) owner->forget(held);
    object.reset();
  }
};

/// JavaScript's `Program`: see NativeProgram in lib/native.ts. Made by Session.compile.
class ProgramClass : public Napi::ObjectWrap<ProgramClass> {
 public:
  static Napi::Function define(Napi::Env env);
  static Napi::Value make(Napi::Env env, Handle<Program> handle);
  explicit ProgramClass(const Napi::CallbackInfo& info);
  ~ProgramClass() override { handle_.let_go(); }

  /// Throws Error{"disposed"}; Error{"invalid-option"} for a program of another session.
  [[nodiscard]] std::shared_ptr<Program> program(const std::shared_ptr<Engine>& engine) const;

 private:
  Napi::Value arena_bytes(const Napi::CallbackInfo& info);
  Napi::Value step_bytes(const Napi::CallbackInfo& info);
  Napi::Value work(const Napi::CallbackInfo& info);
  Napi::Value costs(const Napi::CallbackInfo& info);
  Napi::Value state_bytes(const Napi::CallbackInfo& info);
  Napi::Value print(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);
  [[nodiscard]] std::shared_ptr<Program> live() const;

  Handle<Program> handle_;
};

/// JavaScript's `Optimizer`: see NativeOptimizer in lib/native.ts. Made by Session.createOptimizer.
class OptimizerClass : public Napi::ObjectWrap<OptimizerClass> {
 public:
  static Napi::Function define(Napi::Env env);
  static Napi::Value make(Napi::Env env, Handle<Optimizer> handle);
  explicit OptimizerClass(const Napi::CallbackInfo& info);
  ~OptimizerClass() override { handle_.let_go(); }

  [[nodiscard]] std::shared_ptr<Optimizer> optimizer(const std::shared_ptr<Engine>& engine) const;

 private:
  Napi::Value bytes(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  Handle<Optimizer> handle_;
};

}  // namespace attune::binding
