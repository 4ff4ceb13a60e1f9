#pragma once

#include <napi.h>

#include <memory>
#include <utility>

#include "engine/engine.h"

namespace attune::binding {

/// What a session hands out: a shared object of the core, and the engine it belongs to.
template <class Core>
struct Owned {
  std::shared_ptr<Engine> engine;
  std::shared_ptr<Core> object;
};

/// JavaScript's `Program`: see NativeProgram in lib/native.ts. Made by Session.compile.
class ProgramClass : public Napi::ObjectWrap<ProgramClass> {
 public:
  static Napi::Function define(Napi::Env env);
  static Napi::Value make(Napi::Env env, Owned<Program> owned);
  explicit ProgramClass(const Napi::CallbackInfo& info);

  /// Throws Error{"disposed"}; Error{"invalid-option"} for a program of another session.
  [[nodiscard]] std::shared_ptr<Program> program(const std::shared_ptr<Engine>& engine) const;

 private:
  Napi::Value arena_bytes(const Napi::CallbackInfo& info);
  Napi::Value state_bytes(const Napi::CallbackInfo& info);
  Napi::Value print(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);
  [[nodiscard]] const Program& live() const;

  Owned<Program> owned_;
};

/// JavaScript's `Optimizer`: see NativeOptimizer in lib/native.ts. Made by Session.createOptimizer.
class OptimizerClass : public Napi::ObjectWrap<OptimizerClass> {
 public:
  static Napi::Function define(Napi::Env env);
  static Napi::Value make(Napi::Env env, Owned<Optimizer> owned);
  explicit OptimizerClass(const Napi::CallbackInfo& info);

  [[nodiscard]] std::shared_ptr<Optimizer> optimizer(const std::shared_ptr<Engine>& engine) const;

 private:
  Napi::Value bytes(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  Owned<Optimizer> owned_;
};

}  // namespace attune::binding
