#include "binding/session.h"

#include <algorithm>
#include <utility>

#include "binding/convert.h"
#include "binding/graph_class.h"
#include "binding/program_class.h"
#include "binding/safetensors_class.h"
#include "binding/session_requests.h"

namespace attune::binding {
namespace {

/// For jobs that answer nothing: a promise of undefined.
constexpr auto kNothing = [](Napi::Env env, bool) { return env.Undefined(); };
constexpr auto kFloats = [](Napi::Env env, std::vector<float> values) {
  return from_floats(env, std::move(values));
};

/// The C++ object behind a JavaScript one, checked by its class.
template <class Class>
[[nodiscard]] Class& unwrap(const Napi::Value& value, const Napi::FunctionReference& constructor,
                            const char* where) {
  if (!value.IsObject() || !value.As<Napi::Object>().InstanceOf(constructor.Value()))
    refuse(where, where, value);
  return *Napi::ObjectWrap<Class>::Unwrap(value.As<Napi::Object>());
}

}  // namespace

Napi::Function Session::define(Napi::Env env) {
  return DefineClass(env, "Session",
                     {
                         InstanceAccessor<&Session::threads>("threads"),
                         InstanceAccessor<&Session::device>("device"),
                         InstanceAccessor<&Session::hardware>("hardware"),
                         InstanceAccessor<&Session::products>("products"),
                         InstanceAccessor<&Session::device_memory>("deviceMemory"),
                         InstanceMethod<&Session::define_parameter>("defineParameter"),
                         InstanceMethod<&Session::remove_parameter>("removeParameter"),
                         InstanceMethod<&Session::load_parameter>("loadParameter"),
                         InstanceMethod<&Session::read_parameter>("readParameter"),
                         InstanceMethod<&Session::write_parameter>("writeParameter"),
                         InstanceMethod<&Session::init_parameter>("initParameter"),
                         InstanceMethod<&Session::set_trainable>("setTrainable"),
                         InstanceMethod<&Session::compile>("compile"),
                         InstanceMethod<&Session::run>("run"),
                         InstanceMethod<&Session::copy_slots>("copySlots"),
                         InstanceMethod<&Session::read_gradient>("readGradient"),
                         InstanceMethod<&Session::release_gradients>("releaseGradients"),
                         InstanceMethod<&Session::create_optimizer>("createOptimizer"),
                         InstanceMethod<&Session::regroup_optimizer>("regroupOptimizer"),
                         InstanceMethod<&Session::step>("step"),
                         InstanceMethod<&Session::save_optimizer>("saveOptimizer"),
                         InstanceMethod<&Session::load_optimizer>("loadOptimizer"),
                         InstanceMethod<&Session::save_safetensors>("saveSafetensors"),
                         InstanceMethod<&Session::memory>("memory"),
                         InstanceMethod<&Session::measure_peak>("measurePeak"),
                         InstanceMethod<&Session::measure_read_bandwidth>("measureReadBandwidth"),
                         InstanceMethod<&Session::start_profile>("startProfile"),
                         InstanceMethod<&Session::take_profile>("takeProfile"),
                         InstanceMethod<&Session::cancel>("cancel"),
                         InstanceMethod<&Session::dispose>("dispose"),
                     });
}

Session::Session(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Session>(info) {
  const Napi::Env env = info.Env();
  guarded(env, [&] {
    const Napi::Object options = to_object(info[0], "options");
    const std::int64_t threads = to_integer(options.Get("threads"), "options.threads");
    // 1024 threads: more than any processor has; a larger number is a slip.
    if (threads < 0 || threads > 1024) refuse("options.threads", "0 to 1024", options.Get("threads"));
    engine_ = std::make_shared<Engine>(
        EngineOptions{.instruction_set = to_text(options.Get("instructionSet"), "options.instructionSet"),
                      .cuda_kernels = options.Has("cudaKernels")
                                          ? to_text(options.Get("cudaKernels"), "options.cudaKernels")
                                          : std::string(),
                      .cuda_graphs = !options.Has("cudaGraphs") || options.Get("cudaGraphs").ToBoolean(),
                      .threads = static_cast<int>(threads),
                      .planned = options.Get("planned").ToBoolean()});
    worker_ = std::make_unique<Worker>(env, [engine = engine_](bool on) { engine->cancel(on); });
    return env.Undefined();
  });
  // The thread must be gone before the environment is; a session left undisposed is stopped here.
  napi_add_env_cleanup_hook(env, stop_hook, this);
}

Session::~Session() {
  napi_remove_env_cleanup_hook(Env(), stop_hook, this);
  stop();
}

void Session::stop_hook(void* session) { static_cast<Session*>(session)->stop(); }

void Session::stop() {
  if (worker_) worker_->stop();
  worker_.reset();  // it holds the engine too
  engine_.reset();
}

std::shared_ptr<Engine> Session::engine() const {
  if (!engine_) throw Error("disposed", "session", "The model was disposed of; load it again.");
  return engine_;
}

Napi::Value Session::threads(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return Napi::Number::New(info.Env(), engine()->threads()); });
}

Napi::Value Session::device(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return Napi::String::New(info.Env(), engine()->device().name()); });
}

Napi::Value Session::hardware(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return Napi::String::New(info.Env(), engine()->device().hardware()); });
}

Napi::Value Session::products(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return Napi::String::New(info.Env(), engine()->device().products()); });
}

Napi::Value Session::device_memory(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const std::optional<Device::Capacity> capacity = engine()->device().capacity();
    if (!capacity) return info.Env().Undefined();
    const Napi::Object memory = Napi::Object::New(info.Env());
    memory.Set("free", static_cast<double>(capacity->free));
    memory.Set("total", static_cast<double>(capacity->total));
    return memory;
  });
}

Napi::Value Session::define_parameter(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const std::string name = to_text(info[0], "name");
    const DType dtype = to_dtype(info[2], name + ".dtype");
    if (dtype == DType::f16 || dtype == DType::i32)
      refuse(name + ".dtype", "'f32', 'bf16', 'int8' or 'nf4'", info[2]);
    engine()->define(name, to_shape(info[1], name + ".shape"), dtype);
    return info.Env().Undefined();
  });
}

Napi::Value Session::remove_parameter(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    engine()->remove(to_text(info[0], "name"));
    return info.Env().Undefined();
  });
}

Napi::Value Session::load_parameter(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto file =
        unwrap<SafetensorsClass>(info[1], Environment::of(info.Env()).safetensors, "a Safetensors").file();
    const bool transpose = info[3].IsBoolean() && info[3].As<Napi::Boolean>().Value();
    return worker_->post(
        info.Env(),
        [engine = engine(), name = to_text(info[0], "name"), file, tensor = to_text(info[2], "tensor"),
         transpose] {
          engine->load(name, *file, tensor, transpose);
          return true;
        },
        kNothing);
  });
}

Napi::Value Session::read_parameter(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return worker_->post(
        info.Env(), [engine = engine(), name = to_text(info[0], "name")] { return engine->read(name); },
        kFloats);
  });
}

Napi::Value Session::read_gradient(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return worker_->post(
        info.Env(),
        [engine = engine(), name = to_text(info[0], "name")] { return engine->read_gradient(name); },
        kFloats);
  });
}

Napi::Value Session::write_parameter(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const std::span<const float> values = to_floats(info[1], "data");
    return worker_->post(
        info.Env(),
        [engine = engine(), name = to_text(info[0], "name"),
         copy = std::vector<float>(values.begin(), values.end())] {
          engine->write(name, copy);
          return true;
        },
        kNothing);
  });
}

Napi::Value Session::init_parameter(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return worker_->post(
        info.Env(),
        [engine = engine(), name = to_text(info[0], "name"), initializer = to_initializer(info[1])] {
          engine->initialize(name, initializer);
          return true;
        },
        kNothing);
  });
}

Napi::Value Session::set_trainable(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    engine()->set_trainable(to_texts(info[0], "names"));
    return info.Env().Undefined();
  });
}

Napi::Value Session::compile(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Graph& graph = unwrap<GraphClass>(info[0], Environment::of(info.Env()).graph, "a Graph").graph();
    auto program = engine()->compile(graph, to_compile_options(info[1]));
    return ProgramClass::make(info.Env(), {engine(), std::move(program)});
  });
}

Napi::Value Session::run(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto program =
        unwrap<ProgramClass>(info[0], Environment::of(info.Env()).program, "a Program").program(engine());
    const Napi::Object options = to_object(info[2], "options");
    const Napi::Value accumulate = options.Get("accumulate");
    return worker_->post(
        info.Env(),
        [engine = engine(), program, batch = to_batch(info[1], "batch"),
         fetch = to_texts(options.Get("fetch"), "options.fetch"),
         random = to_random(options.Get("random"), "options.random"),
         adds = accumulate.IsBoolean() && accumulate.As<Napi::Boolean>().Value()] {
          return engine->run(*program, {.batch = batch, .random = random, .accumulate = adds}, fetch);
        },
        [](Napi::Env env, std::map<std::string, Fetched> results) -> Napi::Value {
          Napi::Object object = Napi::Object::New(env);
          for (auto& [name, tensor] : results) {
            object.Set(name, tensor.dtype == DType::i32 ? from_integers(env, tensor.integers)
                                                        : from_floats(env, std::move(tensor.floats)));
          }
          return object;
        });
  });
}

Napi::Value Session::copy_slots(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto program =
        unwrap<ProgramClass>(info[0], Environment::of(info.Env()).program, "a Program").program(engine());
    const Napi::Object given = to_object(info[1], "copies");
    SlotCopies copies{.sources = to_integers(given.Get("sources"), "copies.sources"),
                      .destinations = to_integers(given.Get("destinations"), "copies.destinations"),
                      .lengths = to_integers(given.Get("lengths"), "copies.lengths")};
    return worker_->post(
        info.Env(),
        [engine = engine(), program, copies = std::move(copies)] {
          engine->copy_slots(*program, copies);
          return true;
        },
        kNothing);
  });
}

Napi::Value Session::release_gradients(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return worker_->post(
        info.Env(),
        [engine = engine()] {
          engine->release_gradients();
          return true;
        },
        kNothing);
  });
}

Napi::Value Session::create_optimizer(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto optimizer = engine()->make_optimizer(to_optimizer_kind(info[1]), to_groups(info[0]));
    return OptimizerClass::make(info.Env(), {engine(), std::move(optimizer)});
  });
}

Napi::Value Session::regroup_optimizer(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto optimizer =
        unwrap<OptimizerClass>(info[0], Environment::of(info.Env()).optimizer, "an Optimizer")
            .optimizer(engine());
    engine()->regroup(*optimizer, to_groups(info[1]));
    return info.Env().Undefined();
  });
}

Napi::Value Session::step(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Environment& environment = Environment::of(info.Env());
    const Napi::Object request = to_object(info[0], "request");
    const auto program =
        unwrap<ProgramClass>(request.Get("program"), environment.program, "a Program").program(engine());
    const auto optimizer =
        unwrap<OptimizerClass>(request.Get("optimizer"), environment.optimizer, "an Optimizer")
            .optimizer(engine());
    return worker_->post(
        info.Env(),
        [engine = engine(), program, optimizer, step = to_step_request(request)] {
          return engine->step(*program, *optimizer, step);
        },
        [](Napi::Env env, const StepResult& result) -> Napi::Value {
          Napi::Object object = Napi::Object::New(env);
          object.Set("loss", result.loss);
          object.Set("gradNorm", result.grad_norm);
          object.Set("updated", result.updated);
          return object;
        });
  });
}

Napi::Value Session::save_optimizer(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto optimizer =
        unwrap<OptimizerClass>(info[0], Environment::of(info.Env()).optimizer, "an Optimizer")
            .optimizer(engine());
    return worker_->post(
        info.Env(),
        [engine = engine(), optimizer, path = to_text(info[1], "path")] {
          engine->save_optimizer(*optimizer, path);
          return true;
        },
        kNothing);
  });
}

Napi::Value Session::load_optimizer(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Environment& environment = Environment::of(info.Env());
    const auto optimizer =
        unwrap<OptimizerClass>(info[0], environment.optimizer, "an Optimizer").optimizer(engine());
    const Napi::Object opened = environment.safetensors.New({info[1]});
    const auto file = SafetensorsClass::Unwrap(opened)->file();
    return worker_->post(
        info.Env(),
        [engine = engine(), optimizer, file] {
          engine->load_optimizer(*optimizer, *file);
          return true;
        },
        kNothing);
  });
}

Napi::Value Session::save_safetensors(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return worker_->post(
        info.Env(),
        [engine = engine(), path = to_text(info[0], "path"),
         job = to_save_job(info.Env(), info[1], info[2])] {
          engine->save(path, job.header, job.entries);
          return true;
        },
        kNothing);
  });
}

Napi::Value Session::memory(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const MemoryUse use = engine()->memory();
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("parameters", static_cast<double>(use.parameters));
    object.Set("gradients", static_cast<double>(use.gradients));
    object.Set("optimizer", static_cast<double>(use.optimizer));
    object.Set("activations", static_cast<double>(use.activations));
    object.Set("states", static_cast<double>(use.states));
    object.Set("total", static_cast<double>(use.parameters + use.gradients + use.optimizer + use.activations +
                                            use.states));
    return object;
  });
}

Napi::Value Session::measure_peak(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return worker_->post(
        info.Env(), [engine = engine()] { return engine->measure_peak(); },
        [](Napi::Env env, double peak) -> Napi::Value { return Napi::Number::New(env, peak); });
  });
}

Napi::Value Session::measure_read_bandwidth(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return worker_->post(
        info.Env(), [engine = engine()] { return engine->measure_read_bandwidth(); },
        [](Napi::Env env, double bandwidth) -> Napi::Value { return Napi::Number::New(env, bandwidth); });
  });
}

Napi::Value Session::start_profile(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return worker_->post(
        info.Env(),
        [engine = engine()] {
          engine->start_profile();
          return true;
        },
        kNothing);
  });
}

Napi::Value Session::take_profile(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return worker_->post(
        info.Env(), [engine = engine()] { return engine->take_profile(); },
        [](Napi::Env env, const std::vector<Span>& spans) -> Napi::Value { return from_spans(env, spans); });
  });
}

Napi::Value Session::cancel(const Napi::CallbackInfo& info) {
  if (worker_) worker_->cancel();
  return info.Env().Undefined();
}

Napi::Value Session::dispose(const Napi::CallbackInfo& info) {
  stop();
  return info.Env().Undefined();
}

}  // namespace attune::binding
