#include "binding/program_class.h"

#include "binding/convert.h"

namespace attune::binding {
namespace {

template <class Core>
[[nodiscard]] std::shared_ptr<Core> checked(const Owned<Core>& owned, const std::shared_ptr<Engine>& engine,
                                            const char* what) {
  if (!owned.object) throw Error("disposed", what, std::string("The ") + what + " was disposed of.");
  if (owned.engine != engine) {
    throw Error("invalid-option", what, std::string("The ") + what + " belongs to another session.");
  }
  return owned.object;
}

template <class Core>
void let_go(Owned<Core>& owned) {
  if (owned.object) owned.engine->forget(owned.object);
  owned = {};
}

/// Takes what `make` handed over as an external value.
template <class Core>
[[nodiscard]] Owned<Core> take(const Napi::CallbackInfo& info) {
  if (!info[0].IsExternal())
    throw Napi::TypeError::New(info.Env(), "Sessions make these: do not call the constructor.");
  return std::move(*info[0].As<Napi::External<Owned<Core>>>().Data());
}

}  // namespace

Napi::Function ProgramClass::define(Napi::Env env) {
  return DefineClass(env, "Program",
                     {
                         InstanceMethod<&ProgramClass::arena_bytes>("arenaBytes"),
                         InstanceAccessor<&ProgramClass::state_bytes>("stateBytes"),
                         InstanceMethod<&ProgramClass::print>("print"),
                         InstanceMethod<&ProgramClass::dispose>("dispose"),
                     });
}

Napi::Value ProgramClass::make(Napi::Env env, Owned<Program> owned) {
  return Environment::of(env).program.New({Napi::External<Owned<Program>>::New(env, &owned)});
}

ProgramClass::ProgramClass(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<ProgramClass>(info), owned_(take<Program>(info)) {}

std::shared_ptr<Program> ProgramClass::program(const std::shared_ptr<Engine>& engine) const {
  return checked(owned_, engine, "program");
}

const Program& ProgramClass::live() const {
  if (!owned_.object) throw Error("disposed", "program", "The program was disposed of.");
  return *owned_.object;
}

Napi::Value ProgramClass::arena_bytes(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Sizes sizes = bind_sizes(live().graph(), to_sizes(info[0], "sizes"));
    return Napi::Number::New(info.Env(), static_cast<double>(owned_.object->plan(sizes)->arena_bytes));
  });
}

Napi::Value ProgramClass::state_bytes(const Napi::CallbackInfo& info) {
  return guarded(info.Env(),
                 [&] { return Napi::Number::New(info.Env(), static_cast<double>(live().state_bytes())); });
}

Napi::Value ProgramClass::print(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return Napi::String::New(info.Env(), live().graph().print()); });
}

Napi::Value ProgramClass::dispose(const Napi::CallbackInfo& info) {
  let_go(owned_);
  return info.Env().Undefined();
}

Napi::Function OptimizerClass::define(Napi::Env env) {
  return DefineClass(env, "Optimizer",
                     {
                         InstanceAccessor<&OptimizerClass::bytes>("bytes"),
                         InstanceMethod<&OptimizerClass::dispose>("dispose"),
                     });
}

Napi::Value OptimizerClass::make(Napi::Env env, Owned<Optimizer> owned) {
  return Environment::of(env).optimizer.New({Napi::External<Owned<Optimizer>>::New(env, &owned)});
}

OptimizerClass::OptimizerClass(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<OptimizerClass>(info), owned_(take<Optimizer>(info)) {}

std::shared_ptr<Optimizer> OptimizerClass::optimizer(const std::shared_ptr<Engine>& engine) const {
  return checked(owned_, engine, "optimizer");
}

Napi::Value OptimizerClass::bytes(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return Napi::Number::New(info.Env(), owned_.object ? static_cast<double>(owned_.object->bytes()) : 0.0);
  });
}

Napi::Value OptimizerClass::dispose(const Napi::CallbackInfo& info) {
  let_go(owned_);
  return info.Env().Undefined();
}

}  // namespace attune::binding
