#include "binding/convert.h"

#include <cmath>
#include <memory>
#include <utility>

namespace attune::binding {

std::string to_text(const Napi::Value& value, const std::string& where) {
  if (!value.IsString()) refuse(where, "a string", value);
  return value.As<Napi::String>().Utf8Value();
}

double to_number(const Napi::Value& value, const std::string& where) {
  if (!value.IsNumber()) refuse(where, "a number", value);
  return value.As<Napi::Number>().DoubleValue();
}

std::int64_t to_integer(const Napi::Value& value, const std::string& where) {
  const double number = to_number(value, where);
  if (std::trunc(number) != number || std::abs(number) > 9007199254740991.0)
    refuse(where, "a whole number", value);
  return static_cast<std::int64_t>(number);
}

Napi::Object to_object(const Napi::Value& value, const std::string& where) {
  if (!value.IsObject()) refuse(where, "an object", value);
  return value.As<Napi::Object>();
}

Napi::Array to_array(const Napi::Value& value, const std::string& where) {
  if (!value.IsArray()) refuse(where, "an array", value);
  return value.As<Napi::Array>();
}

namespace {

template <class T>
[[nodiscard]] std::vector<T> to_list(const Napi::Value& value, const std::string& where,
                                     T (*element)(const Napi::Value&, const std::string&)) {
  const Napi::Array array = to_array(value, where);
  std::vector<T> out;
  for (std::uint32_t index = 0; index < array.Length(); ++index) {
    out.push_back(element(array.Get(index), where + "[" + std::to_string(index) + "]"));
  }
  return out;
}

/// Calls `body(name, value)` for every own property.
template <class Body>
void for_each_property(const Napi::Object& object, const Body& body) {
  const Napi::Array names = object.GetPropertyNames();
  for (std::uint32_t index = 0; index < names.Length(); ++index) {
    const std::string name = names.Get(index).ToString().Utf8Value();
    body(name, object.Get(name));
  }
}

}  // namespace

std::vector<std::string> to_texts(const Napi::Value& value, const std::string& where) {
  return to_list<std::string>(value, where, to_text);
}

std::vector<std::int64_t> to_integers(const Napi::Value& value, const std::string& where) {
  return to_list<std::int64_t>(value, where, to_integer);
}

std::vector<double> to_numbers(const Napi::Value& value, const std::string& where) {
  return to_list<double>(value, where, to_number);
}

Shape to_shape(const Napi::Value& value, const std::string& where) {
  const std::vector<std::int64_t> sizes = to_integers(value, where);
  if (sizes.size() > Shape::kMaximumRank) refuse(where, "at most four sizes", value);
  Shape shape;
  for (const std::int64_t size : sizes) {
    if (size < 0) refuse(where, "sizes of 0 or more", value);
    shape.push_back(size);
  }
  return shape;
}

DType to_dtype(const Napi::Value& value, const std::string& where) {
  const std::string name = to_text(value, where);
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16, DType::i32, DType::int8, DType::nf4}) {
    if (name == name_of(dtype)) return dtype;
  }
  refuse(where, "'f32', 'bf16', 'f16' or 'i32'", value);
}

std::span<const float> to_floats(const Napi::Value& value, const std::string& where) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
    refuse(where, "a Float32Array", value);
  }
  const auto array = value.As<Napi::Float32Array>();
  return {array.Data(), array.ElementLength()};
}

Attributes to_attributes(const Napi::Value& value, const std::string& where) {
  std::map<std::string, Attributes::Value, std::less<>> values;
  for_each_property(to_object(value, where), [&](const std::string& name, const Napi::Value& given) {
    if (given.IsBoolean()) {
      values[name] = given.As<Napi::Boolean>().Value();
    } else if (given.IsNumber()) {
      values[name] = given.As<Napi::Number>().DoubleValue();
    } else if (given.IsString()) {
      values[name] = given.As<Napi::String>().Utf8Value();
    } else if (!given.IsUndefined()) {
      values[name] = to_numbers(given, where + "." + name);
    }
  });
  return {where, std::move(values)};
}

std::map<std::string, std::int64_t> to_sizes(const Napi::Value& value, const std::string& where) {
  std::map<std::string, std::int64_t> sizes;
  for_each_property(to_object(value, where), [&](const std::string& name, const Napi::Value& given) {
    sizes[name] = to_integer(given, where + "." + name);
  });
  return sizes;
}

Batch to_batch(const Napi::Value& value, const std::string& where) {
  const Napi::Object object = to_object(value, where);
  Batch batch;
  batch.sizes = to_sizes(object.Get("sizes"), where + ".sizes");
  for_each_property(to_object(object.Get("inputs"), where + ".inputs"), [&](const std::string& name,
                                                                            const Napi::Value& given) {
    const std::string place = where + ".inputs." + name;
    if (!given.IsTypedArray()) refuse(place, "an Int32Array or a Float32Array", given);
    const auto array = given.As<Napi::TypedArray>();
    const napi_typedarray_type type = array.TypedArrayType();
    if (type != napi_int32_array && type != napi_float32_array)
      refuse(place, "an Int32Array or a Float32Array", given);
    const auto* bytes = static_cast<const std::byte*>(array.ArrayBuffer().Data()) + array.ByteOffset();
    batch.inputs[name] = {.dtype = type == napi_int32_array ? DType::i32 : DType::f32,
                          .bytes = {bytes, bytes + array.ByteLength()}};
  });
  return batch;
}

PhiloxKey to_random(const Napi::Value& value, const std::string& where) {
  if (value.IsUndefined()) return {};
  const Napi::Object object = to_object(value, where);
  return {.seed = static_cast<std::uint64_t>(to_integer(object.Get("seed"), where + ".seed")),
          .draw = static_cast<std::uint32_t>(to_integer(object.Get("draw"), where + ".draw")),
          .stream = 0};
}

Dimension to_dimension(Graph& graph, const Napi::Value& value, const std::string& where) {
  if (value.IsNumber()) return {.fixed = to_integer(value, where)};
  const std::string text = to_text(value, where);
  const std::size_t plus = text.find('+');
  Dimension dimension{.fixed = 0, .name = graph.size_name(text.substr(0, plus)), .offset = 0};
  if (plus != std::string::npos) {
    const std::string offset = text.substr(plus + 1);
    if (offset.empty() || offset.size() > 9 || offset.find_first_not_of("0123456789") != std::string::npos) {
      refuse(where, "a number, a name, or a name + a number", value);
    }
    dimension.offset = std::stoll(offset);
  }
  return dimension;
}

Napi::Value from_floats(Napi::Env env, std::vector<float> values) {
  auto owner = std::make_unique<std::vector<float>>(std::move(values));
  const std::size_t count = owner->size();
  if (count == 0) return Napi::Float32Array::New(env, 0);
  float* data = owner->data();
  const Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(
      env, data, count * sizeof(float),
      [](Napi::BasicEnv, void*, std::vector<float>* kept) {
        const std::unique_ptr<std::vector<float>> owned(kept);
      },
      owner.get());
  static_cast<void>(owner.release());  // the buffer's finalizer has it now
  return Napi::Float32Array::New(env, count, buffer, 0);
}

Napi::Value from_integers(Napi::Env env, const std::vector<std::int32_t>& values) {
  Napi::Int32Array array = Napi::Int32Array::New(env, values.size());
  for (std::size_t i = 0; i < values.size(); ++i) array[i] = values[i];
  return array;
}

Napi::Array from_texts(Napi::Env env, const std::vector<std::string>& texts) {
  Napi::Array array = Napi::Array::New(env, texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) array.Set(static_cast<std::uint32_t>(i), texts[i]);
  return array;
}

Napi::Array from_spans(Napi::Env env, const std::vector<Span>& spans) {
  Napi::Array array = Napi::Array::New(env, spans.size());
  for (std::uint32_t i = 0; i < spans.size(); ++i) {
    const Span& span = spans[i];
    Napi::Object object = Napi::Object::New(env);
    object.Set("path", span.path);
    object.Set("op", std::string(span.op));
    object.Set("begin", span.begin);
    object.Set("seconds", span.seconds);
    object.Set("flops", span.work.total());
    object.Set("bytes", span.bytes);
    array.Set(i, object);
  }
  return array;
}

Napi::Object from_value(Napi::Env env, const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  Napi::Array shape = Napi::Array::New(env, value.type.dimensions.size());
  for (std::size_t axis = 0; axis < value.type.dimensions.size(); ++axis) {
    const Dimension& dimension = value.type.dimensions[axis];
    const auto index = static_cast<std::uint32_t>(axis);
    if (dimension.name < 0) {
      shape.Set(index, static_cast<double>(dimension.fixed));
    } else {
      shape.Set(index, graph.text(dimension));
    }
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("id", id);
  object.Set("shape", shape);
  object.Set("dtype", std::string(name_of(value.type.dtype)));
  return object;
}

}  // namespace attune::binding
