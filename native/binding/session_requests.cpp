#include "binding/session_requests.h"

#include <span>
#include <utility>

#include "binding/convert.h"

namespace attune::binding {

Initializer to_initializer(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "init");
  const std::string kind = to_text(object.Get("kind"), "init.kind");
  Initializer initializer{.kind = Initializer::Kind::constant,
                          .value = to_number(object.Get("value"), "init.value"),
                          .seed = static_cast<std::uint64_t>(to_integer(object.Get("seed"), "init.seed"))};
  if (kind == "normal") {
    initializer.kind = Initializer::Kind::normal;
  } else if (kind == "truncated_normal") {
    initializer.kind = Initializer::Kind::truncated_normal;
    initializer.cutoff = to_number(object.Get("cutoff"), "init.cutoff");
    if (!(initializer.cutoff > 0.0)) refuse("init.cutoff", "a positive number", object.Get("cutoff"));
  } else if (kind == "uniform") {
    initializer.kind = Initializer::Kind::uniform;
  } else if (kind != "constant") {
    refuse("init.kind", "'normal', 'truncated_normal', 'uniform' or 'constant'", object.Get("kind"));
  }
  if (!object.Get("paddingIndex").IsUndefined()) {
    initializer.padding_index = to_integer(object.Get("paddingIndex"), "init.paddingIndex");
    if (initializer.padding_index < 0)
      refuse("init.paddingIndex", "a row's index", object.Get("paddingIndex"));
  }
  return initializer;
}

CompileOptions to_compile_options(const Napi::Value& value) {
  CompileOptions options;
  if (value.IsUndefined()) return options;
  const Napi::Object object = to_object(value, "options");
  if (!object.Get("loss").IsUndefined()) options.loss = to_text(object.Get("loss"), "options.loss");
  if (!object.Get("seeds").IsUndefined()) {
    const Napi::Object seeds = to_object(object.Get("seeds"), "options.seeds");
    const Napi::Array names = seeds.GetPropertyNames();
    for (std::uint32_t index = 0; index < names.Length(); ++index) {
      const std::string name = names.Get(index).ToString().Utf8Value();
      options.seeds[name] = to_text(seeds.Get(name), "options.seeds." + name);
    }
  }
  if (!object.Get("wrt").IsUndefined()) options.wrt = to_texts(object.Get("wrt"), "options.wrt");
  options.gradient_checkpointing = object.Get("gradientCheckpointing").ToBoolean();
  return options;
}

OptimizerKind to_optimizer_kind(const Napi::Value& value) {
  if (value.IsUndefined()) return OptimizerKind::adamw;
  const std::string kind = to_text(value, "kind");
  if (kind == "adamw") return OptimizerKind::adamw;
  if (kind == "adamw_8bit") return OptimizerKind::adamw_8bit;
  refuse("kind", "'adamw' or 'adamw_8bit'", value);
}

std::vector<OptimizerGroup> to_groups(const Napi::Value& value) {
  const Napi::Array list = to_array(value, "groups");
  std::vector<OptimizerGroup> groups;
  for (std::uint32_t index = 0; index < list.Length(); ++index) {
    const std::string where = "groups[" + std::to_string(index) + "]";
    const Napi::Object group = to_object(list.Get(index), where);
    const std::vector<double> betas = to_numbers(group.Get("betas"), where + ".betas");
    if (betas.size() != 2) refuse(where + ".betas", "two numbers", group.Get("betas"));
    groups.push_back({.parameters = to_texts(group.Get("parameters"), where + ".parameters"),
                      .beta1 = betas[0],
                      .beta2 = betas[1],
                      .eps = to_number(group.Get("eps"), where + ".eps"),
                      .weight_decay = to_number(group.Get("weightDecay"), where + ".weightDecay")});
  }
  return groups;
}

StepRequest to_step_request(const Napi::Object& object) {
  StepRequest request;
  const Napi::Array batches = to_array(object.Get("batches"), "batches");
  for (std::uint32_t index = 0; index < batches.Length(); ++index) {
    request.batches.push_back(to_batch(batches.Get(index), "batches[" + std::to_string(index) + "]"));
  }
  if (request.batches.empty()) throw Error("invalid-option", "batches", "A step needs one batch at least.");
  request.learning_rates = to_numbers(object.Get("learningRates"), "learningRates");
  request.max_grad_norm = to_number(object.Get("maxGradNorm"), "maxGradNorm");
  request.random = to_random(object.Get("random"), "random");
  return request;
}

SaveJob to_save_job(Napi::Env env, const Napi::Value& entries, const Napi::Value& metadata) {
  const Napi::Array list = to_array(entries, "entries");
  Napi::Object header = Napi::Object::New(env);
  if (to_object(metadata, "metadata").GetPropertyNames().Length() > 0) header.Set("__metadata__", metadata);
  SaveJob job;
  std::int64_t offset = 0;
  for (std::uint32_t index = 0; index < list.Length(); ++index) {
    const std::string where = "entries[" + std::to_string(index) + "]";
    const Napi::Object given = to_object(list.Get(index), where);
    SaveEntry entry{.dtype = to_dtype(given.Get("dtype"), where + ".dtype"), .parameter = "", .values = {}};
    const Shape shape = to_shape(given.Get("shape"), where + ".shape");
    if (given.Get("parameter").IsUndefined()) {
      const std::span<const float> values = to_floats(given.Get("data"), where + ".data");
      if (static_cast<std::int64_t>(values.size()) != shape.elements()) {
        refuse(where + ".data", std::to_string(shape.elements()) + " values", given.Get("shape"));
      }
      entry.values.assign(values.begin(), values.end());
    } else {
      entry.parameter = to_text(given.Get("parameter"), where + ".parameter");
    }
    const std::int64_t end = offset + shape.elements() * static_cast<std::int64_t>(size_of(entry.dtype));
    Napi::Array offsets = Napi::Array::New(env, 2);
    offsets.Set(0U, static_cast<double>(offset));
    offsets.Set(1U, static_cast<double>(end));
    Napi::Object fields = Napi::Object::New(env);
    fields.Set("dtype", entry.dtype == DType::f32 ? "F32" : entry.dtype == DType::bf16 ? "BF16" : "F16");
    fields.Set("shape", given.Get("shape"));
    fields.Set("data_offsets", offsets);
    header.Set(to_text(given.Get("name"), where + ".name"), fields);
    offset = end;
    job.entries.push_back(std::move(entry));
  }
  const Napi::Object json = env.Global().Get("JSON").As<Napi::Object>();
  job.header = json.Get("stringify").As<Napi::Function>().Call(json, {header}).ToString().Utf8Value();
  return job;
}

}  // namespace attune::binding
