#pragma once

#include <napi.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "binding/environment.h"
#include "graph/execute.h"
#include "graph/graph.h"

namespace attune::binding {

// JavaScript values to plain structs and back. Each names `where` it stood when it is of the wrong kind.

[[nodiscard]] std::string to_text(const Napi::Value& value, const std::string& where);
[[nodiscard]] double to_number(const Napi::Value& value, const std::string& where);
[[nodiscard]] std::int64_t to_integer(const Napi::Value& value, const std::string& where);
[[nodiscard]] Napi::Object to_object(const Napi::Value& value, const std::string& where);
[[nodiscard]] Napi::Array to_array(const Napi::Value& value, const std::string& where);
[[nodiscard]] std::vector<std::string> to_texts(const Napi::Value& value, const std::string& where);
[[nodiscard]] std::vector<std::int64_t> to_integers(const Napi::Value& value, const std::string& where);
[[nodiscard]] std::vector<double> to_numbers(const Napi::Value& value, const std::string& where);
[[nodiscard]] Shape to_shape(const Napi::Value& value, const std::string& where);
/// 'f32', 'bf16', 'f16' or 'i32'.
[[nodiscard]] DType to_dtype(const Napi::Value& value, const std::string& where);
/// The Float32Array's memory, valid while the array lives.
[[nodiscard]] std::span<const float> to_floats(const Napi::Value& value, const std::string& where);
[[nodiscard]] Attributes to_attributes(const Napi::Value& value, const std::string& where);
[[nodiscard]] std::map<std::string, std::int64_t> to_sizes(const Napi::Value& value,
                                                           const std::string& where);
[[nodiscard]] Batch to_batch(const Napi::Value& value, const std::string& where);
[[nodiscard]] PhiloxKey to_random(const Napi::Value& value, const std::string& where);
/// A number, 'tokens' or 'sequences+1'.
[[nodiscard]] Dimension to_dimension(Graph& graph, const Napi::Value& value, const std::string& where);

/// A Float32Array that takes the vector over, without a copy.
[[nodiscard]] Napi::Value from_floats(Napi::Env env, std::vector<float> values);
[[nodiscard]] Napi::Value from_integers(Napi::Env env, const std::vector<std::int32_t>& values);
[[nodiscard]] Napi::Array from_texts(Napi::Env env, const std::vector<std::string>& texts);
[[nodiscard]] Napi::Array from_spans(Napi::Env env, const std::vector<Span>& spans);
[[nodiscard]] Napi::Object from_value(Napi::Env env, const Graph& graph, ValueId id);

}  // namespace attune::binding
