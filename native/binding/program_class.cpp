#include "binding/program_class.h"

#include "binding/convert.h"
#include "graph/work.h"

namespace attune::binding {
namespace {

template <class Core>
[[nodiscard]] std::shared_ptr<Core> held_by(const Handle<Core>& handle, const char* what) {
  auto object = handle.object.lock();
  if (!object) throw Error("disposed", what, std::string("The ") + what + " was disposed of.");
  return object;
}

template <class Core>
[[nodiscard]] std::shared_ptr<Core> checked(const Handle<Core>& handle, const std::shared_ptr<Engine>& engine,
                                            const char* what) {
  auto object = held_by(handle, what);
  if (handle.engine.lock() != engine) {
    throw Error("invalid-option", what, std::string("The ") + what + " belongs to another session.");
  }
  return object;
}

/// Takes what `make` handed over as an external value.
template <class Core>
[[nodiscard]] Handle<Core> take(const Napi::CallbackInfo& info) {
  if (!info[0].IsExternal())
    throw Napi::TypeError::New(info.Env(), "Sessions make these: do not call the constructor.");
  return std::move(*info[0].As<Napi::External<Handle<Core>>>().Data());
}

void set_work(Napi::Object& object, const Work& work) {
  object.Set("products", work.products);
  object.Set("attention", work.attention);
  object.Set("elements", work.elements);
  object.Set("total", work.total());
}

}  // namespace

Napi::Function ProgramClass::define(Napi::Env env) {
  return DefineClass(env, "Program",
                     {
                         InstanceMethod<&ProgramClass::arena_bytes>("arenaBytes"),
                         InstanceMethod<&ProgramClass::step_bytes>("stepBytes"),
                         InstanceMethod<&ProgramClass::work>("work"),
                         InstanceMethod<&ProgramClass::costs>("costs"),
                         InstanceAccessor<&ProgramClass::state_bytes>("stateBytes"),
                         InstanceMethod<&ProgramClass::print>("print"),
                         InstanceMethod<&ProgramClass::dispose>("dispose"),
                     });
}

Napi::Value ProgramClass::make(Napi::Env env, Handle<Program> handle) {
  return Environment::of(env).program.New({Napi::External<Handle<Program>>::New(env, &handle)});
}

ProgramClass::ProgramClass(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<ProgramClass>(info), handle_(take<Program>(info)) {}

std::shared_ptr<Program> ProgramClass::program(const std::shared_ptr<Engine>& engine) const {
  return checked(handle_, engine, "program");
}

std::shared_ptr<Program> ProgramClass::live() const { return held_by(handle_, "program"); }

Napi::Value ProgramClass::arena_bytes(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Sizes sizes = bind_sizes(live()->graph(), to_sizes(info[0], "sizes"));
    const std::shared_ptr<const Plan> plan = live()->plan(sizes, GradientPlace::store);
    return Napi::Number::New(info.Env(), static_cast<double>(plan->arena_bytes));
  });
}

Napi::Value ProgramClass::step_bytes(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const std::shared_ptr<Program> program = live();
    const Sizes sizes = bind_sizes(program->graph(), to_sizes(info[0], "sizes"));
    const bool accumulates = info[1].ToBoolean();
    const auto plan = program->plan(sizes, accumulates ? GradientPlace::store : GradientPlace::arena);
    std::size_t gradients = 0;
    for (const auto& [name, gradient] : program->gradients()) gradients += gradient.bytes;
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("gradients", static_cast<double>(gradients));
    object.Set("activations", static_cast<double>(plan->arena_bytes - plan->gradient_bytes));
    return object;
  });
}

Napi::Value ProgramClass::work(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Work counted = count_work(live()->graph(), to_batch(info[0], "batch"));
    Napi::Object object = Napi::Object::New(info.Env());
    set_work(object, counted);
    return object;
  });
}

Napi::Value ProgramClass::costs(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const std::shared_ptr<Program> program = live();
    const Batch batch = to_batch(info[0], "batch");
    const std::vector<NodeCost> costs = count_costs(program->graph(), batch);
    const std::shared_ptr<const Plan> plan =
        program->plan(bind_sizes(program->graph(), batch.sizes), GradientPlace::store);
    Napi::Array array = Napi::Array::New(info.Env(), costs.size());
    for (std::uint32_t i = 0; i < costs.size(); ++i) {
      Napi::Object object = Napi::Object::New(info.Env());
      object.Set("path", costs[i].node->path);
      object.Set("op", std::string(costs[i].node->op->name));
      set_work(object, costs[i].work);
      object.Set("bytes", costs[i].bytes);
      object.Set("sharesInput", plan->shared_of[i] >= 0);
      array.Set(i, object);
    }
    return array;
  });
}

Napi::Value ProgramClass::state_bytes(const Napi::CallbackInfo& info) {
  return guarded(info.Env(),
                 [&] { return Napi::Number::New(info.Env(), static_cast<double>(live()->state_bytes())); });
}

Napi::Value ProgramClass::print(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return Napi::String::New(info.Env(), live()->graph().print()); });
}

Napi::Value ProgramClass::dispose(const Napi::CallbackInfo& info) {
  handle_.let_go();
  return info.Env().Undefined();
}

Napi::Function OptimizerClass::define(Napi::Env env) {
  return DefineClass(env, "Optimizer",
                     {
                         InstanceAccessor<&OptimizerClass::bytes>("bytes"),
                         InstanceMethod<&OptimizerClass::dispose>("dispose"),
                     });
}

Napi::Value OptimizerClass::make(Napi::Env env, Handle<Optimizer> handle) {
  return Environment::of(env).optimizer.New({Napi::External<Handle<Optimizer>>::New(env, &handle)});
}

OptimizerClass::OptimizerClass(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<OptimizerClass>(info), handle_(take<Optimizer>(info)) {}

std::shared_ptr<Optimizer> OptimizerClass::optimizer(const std::shared_ptr<Engine>& engine) const {
  return checked(handle_, engine, "optimizer");
}

Napi::Value OptimizerClass::bytes(const Napi::CallbackInfo& info) {
  const auto optimizer = handle_.object.lock();
  return Napi::Number::New(info.Env(), optimizer ? static_cast<double>(optimizer->bytes()) : 0.0);
}

Napi::Value OptimizerClass::dispose(const Napi::CallbackInfo& info) {
  handle_.let_go();
  return info.Env().Undefined();
}

}  // namespace attune::binding
