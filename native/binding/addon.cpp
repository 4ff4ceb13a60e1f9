// The table of exports: see NativeAddon in lib/native.ts.

#include <napi.h>

#include <memory>

#include "backend/processor.h"
#include "binding/convert.h"
#include "binding/environment.h"
#include "binding/graph_class.h"
#include "binding/map_file.h"
#include "binding/program_class.h"
#include "binding/safetensors_class.h"
#include "binding/session.h"
#include "binding/session_requests.h"
#include "kernels/cpu_kernels.h"

namespace attune::binding {
namespace {

Napi::Value initialize(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).make_error = Napi::Persistent(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

Napi::Value describe_processor(const Napi::CallbackInfo& info) {
  const Processor& found = processor();
  const std::vector<std::string> sets = cpu_instruction_sets();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("model", found.model);
  object.Set("architecture", found.architecture);
  object.Set("features", from_texts(info.Env(), found.features));
  object.Set("cores", found.cores);
  object.Set("instructionSet", sets.front());
  object.Set("instructionSets", from_texts(info.Env(), sets));
  return object;
}

Napi::Value count_moment_bytes(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const std::size_t bytes = moment_bytes(to_optimizer_kind(info[0]), to_integer(info[1], "elements"));
    return Napi::Number::New(info.Env(), static_cast<double>(bytes));
  });
}

[[nodiscard]] std::vector<std::string> names(std::span<const std::string_view> views) {
  return {views.begin(), views.end()};
}

Napi::Value ops(const Napi::CallbackInfo& info) {
  Napi::Array list = Napi::Array::New(info.Env());
  for (const OpDefinition& op : op_table()) {
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("name", std::string(op.name));
    object.Set("inputs", from_texts(info.Env(), names(op.inputs)));
    object.Set("outputs", from_texts(info.Env(), names(op.outputs)));
    object.Set("differentiable", op.gradient != nullptr);
    object.Set("counted", op.work != nullptr);
    list.Set(list.Length(), object);
  }
  return list;
}

[[nodiscard]] ReferenceTensor to_reference(const Napi::Value& value, const std::string& where) {
  ReferenceTensor tensor;
  if (value.IsNull() || value.IsUndefined()) return tensor;
  const Napi::Object object = to_object(value, where);
  const Napi::Value data = object.Get("data");
  if (!data.IsTypedArray() || data.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    refuse(where + ".data", "a Float64Array", data);
  }
  const auto array = data.As<Napi::Float64Array>();
  tensor.present = true;
  tensor.shape = to_shape(object.Get("shape"), where + ".shape");
  tensor.data.assign(array.Data(), array.Data() + array.ElementLength());
  return tensor;
}

Napi::Value reference(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const OpDefinition& op = find_op(to_text(info[0], "op"));
    if (op.reference == nullptr)
      throw Error("unknown-op", op.name, "The op " + std::string(op.name) + " has no reference.");
    const Attributes attributes = to_attributes(info[1], std::string(op.name));
    const std::any arguments = op.parse(attributes);
    attributes.done();
    const Napi::Array given = to_array(info[2], "inputs");
    std::vector<ReferenceTensor> inputs;
    for (std::uint32_t index = 0; index < given.Length(); ++index) {
      inputs.push_back(to_reference(given.Get(index), "inputs[" + std::to_string(index) + "]"));
    }
    inputs.resize(op.inputs.size());
    std::vector<ReferenceTensor> outputs;
    op.reference(arguments, inputs, outputs);
    Napi::Array list = Napi::Array::New(info.Env());
    for (const ReferenceTensor& output : outputs) {
      Napi::Array shape = Napi::Array::New(info.Env());
      for (std::size_t axis = 0; axis < output.shape.rank(); ++axis) {
        shape.Set(static_cast<std::uint32_t>(axis), static_cast<double>(output.shape[axis]));
      }
      Napi::Float64Array data = Napi::Float64Array::New(info.Env(), output.data.size());
      std::copy(output.data.begin(), output.data.end(), data.Data());
      Napi::Object object = Napi::Object::New(info.Env());
      object.Set("shape", shape);
      object.Set("data", data);
      list.Set(list.Length(), object);
    }
    return list;
  });
}

Napi::Object register_addon(Napi::Env env, Napi::Object exports) {
  auto environment = std::make_unique<Environment>();
  const auto add_class = [&](const char* name, const Napi::Function& constructor) {
    exports.Set(name, constructor);
    return Napi::Persistent(constructor);
  };
  environment->graph = add_class("Graph", GraphClass::define(env));
  environment->safetensors = add_class("Safetensors", SafetensorsClass::define(env));
  environment->program = Napi::Persistent(ProgramClass::define(env));
  environment->optimizer = Napi::Persistent(OptimizerClass::define(env));
  exports.Set("Session", Session::define(env));
  exports.Set("initialize", Napi::Function::New<initialize>(env, "initialize"));
  exports.Set("processor", Napi::Function::New<describe_processor>(env, "processor"));
  exports.Set("momentBytes", Napi::Function::New<count_moment_bytes>(env, "momentBytes"));
  exports.Set("ops", Napi::Function::New<ops>(env, "ops"));
  exports.Set("mapFile", Napi::Function::New<map_file>(env, "mapFile"));
  exports.Set("reference", Napi::Function::New<reference>(env, "reference"));
  env.SetInstanceData(environment.release());  // the environment deletes it when it ends
  return exports;
}

}  // namespace

NODE_API_MODULE(attune, register_addon)

}  // namespace attune::binding
