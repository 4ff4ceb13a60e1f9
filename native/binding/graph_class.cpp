#include "binding/graph_class.h"

#include "binding/convert.h"

namespace attune::binding {

Napi::Function GraphClass::define(Napi::Env env) {
  return DefineClass(env, "Graph",
                     {
                         InstanceMethod<&GraphClass::parameter>("parameter"),
                         InstanceMethod<&GraphClass::input>("input"),
                         InstanceMethod<&GraphClass::state>("state"),
                         InstanceMethod<&GraphClass::node>("node"),
                         InstanceMethod<&GraphClass::output>("output"),
                         InstanceMethod<&GraphClass::print>("print"),
                     });
}

GraphClass::GraphClass(const Napi::CallbackInfo& info) : Napi::ObjectWrap<GraphClass>(info) {
  guarded(info.Env(), [&] {
    const DType dtype = to_dtype(info[0], "dtype");
    if (dtype != DType::f32 && dtype != DType::bf16) refuse("dtype", "'f32' or 'bf16'", info[0]);
    graph_.emplace(dtype);
    return info.Env().Undefined();
  });
}

Napi::Value GraphClass::parameter(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const std::string name = to_text(info[0], "name");
    const std::vector<std::int64_t> shape = to_integers(info[1], name + ".shape");
    const DType dtype =
        info[2].IsUndefined() ? graph_->activation_dtype() : to_dtype(info[2], name + ".dtype");
    return from_value(info.Env(), *graph_, graph_->parameter(name, shape, dtype));
  });
}

Napi::Value GraphClass::input(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const std::string name = to_text(info[0], "name");
    const Napi::Array shape = to_array(info[1], name + ".shape");
    std::vector<Dimension> dimensions;
    for (std::uint32_t axis = 0; axis < shape.Length(); ++axis) {
      dimensions.push_back(to_dimension(*graph_, shape.Get(axis), name + ".shape"));
    }
    std::optional<Dimension> below;
    if (!info[3].IsUndefined()) below = to_dimension(*graph_, info[3], name + ".below");
    const DType dtype = to_dtype(info[2], name + ".dtype");
    return from_value(info.Env(), *graph_, graph_->input(name, std::move(dimensions), dtype, below));
  });
}

Napi::Value GraphClass::state(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const std::string name = to_text(info[0], "name");
    return from_value(info.Env(), *graph_, graph_->state(name, to_integers(info[1], name + ".shape")));
  });
}

Napi::Value GraphClass::node(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const std::string op = to_text(info[0], "op");
    const std::string path = to_text(info[1], "path");
    std::vector<ValueId> inputs;
    for (const std::int64_t id : to_integers(info[2], path + ".inputs"))
      inputs.push_back(static_cast<ValueId>(id));
    const std::vector<ValueId> outputs =
        graph_->add(op, path, std::move(inputs), to_attributes(info[3], path + " (" + op + ")"));
    Napi::Array values = Napi::Array::New(info.Env(), outputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      values.Set(static_cast<std::uint32_t>(i), from_value(info.Env(), *graph_, outputs[i]));
    }
    return values;
  });
}

Napi::Value GraphClass::output(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    graph_->output(to_text(info[0], "name"), static_cast<ValueId>(to_integer(info[1], "value")));
    return info.Env().Undefined();
  });
}

Napi::Value GraphClass::print(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), graph_->print());
}

}  // namespace attune::binding
