#include "graph/parameter_store.h"

#include <algorithm>

#include "core/quantization.h"

namespace attune {
namespace {

void make_master(Parameter& parameter) {
  const auto count = static_cast<std::size_t>(parameter.elements());
  parameter.master = AlignedMemory(count * sizeof(float), parameter.name.c_str());
  const auto* narrow = reinterpret_cast<const bfloat16*>(parameter.data.data());
  auto* wide = reinterpret_cast<float*>(parameter.master.data());
  for (std::size_t i = 0; i < count; ++i) wide[i] = to_float(narrow[i]);
}

void check_size(const Parameter& parameter, std::size_t size) {
  if (size == static_cast<std::size_t>(parameter.elements())) return;
  throw Error("shape-mismatch", parameter.name,
              "Parameter " + parameter.name + " has shape " + parameter.shape.text() + ", " +
                  std::to_string(parameter.elements()) + " elements, but got " + std::to_string(size) + ".");
}

}  // namespace

void ParameterStore::define(const std::string& name, const Shape& shape, DType dtype) {
  if (parameters_.contains(name)) throw Error("internal", name, "Parameter " + name + " is already defined.");
  Parameter parameter;
  parameter.name = name;
  parameter.shape = shape;
  parameter.dtype = dtype;
  parameter.data = AlignedMemory(bytes_of(dtype, shape.elements()), name.c_str());
  parameters_.emplace(name, std::move(parameter));
}

void ParameterStore::remove(const std::string& name) {
  static_cast<void>(at(name));
  parameters_.erase(name);
}

Parameter& ParameterStore::at(std::string_view name) {
  const auto found = parameters_.find(name);
  if (found == parameters_.end()) {
    throw Error("no-match", name, "There is no parameter " + std::string(name) + ".");
  }
  return found->second;
}

void ParameterStore::set_trainable(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const Parameter& parameter = at(name);
    if (!is_quantized(parameter.dtype)) continue;
    throw Error("invalid-option", name,
                "Parameter " + name + " is held as " + std::string(name_of(parameter.dtype)) +
                    " and cannot be trained. Train a LoRA adapter, or load the model without quantization.");
  }
  for (auto& [name, parameter] : parameters_) {
    parameter.trainable = std::find(names.begin(), names.end(), name) != names.end();
    if (!parameter.trainable) {
      parameter.gradient = {};
      parameter.master = {};
      continue;
    }
    if (parameter.gradient.data() == nullptr) {
      parameter.gradient =
          AlignedMemory(static_cast<std::size_t>(parameter.elements()) * sizeof(float), name.c_str());
    }
    if (parameter.dtype == DType::bf16 && parameter.master.data() == nullptr) make_master(parameter);
  }
}

void ParameterStore::read(std::string_view name, std::span<float> out) {
  const Parameter& parameter = at(name);
  check_size(parameter, out.size());
  if (parameter.dtype == DType::f32 || parameter.master.data() != nullptr) {
    std::copy_n(parameter.weights(), out.size(), out.data());
    return;
  }
  if (is_quantized(parameter.dtype)) {
    dequantize(parameter.dtype, parameter.data.data(), out);
    return;
  }
  const auto* narrow = reinterpret_cast<const bfloat16*>(parameter.data.data());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = to_float(narrow[i]);
}

void ParameterStore::write(std::string_view name, std::span<const float> values) {
  Parameter& parameter = at(name);
  check_size(parameter, values.size());
  if (is_quantized(parameter.dtype)) {
    quantize(parameter.dtype, values, parameter.data.data(), parameter.name.c_str());
    return;
  }
  if (parameter.dtype == DType::f32 || parameter.master.data() != nullptr) {
    std::copy_n(values.data(), values.size(), parameter.weights());
  }
  if (parameter.dtype == DType::bf16) {
    auto* narrow = reinterpret_cast<bfloat16*>(parameter.data.data());
    for (std::size_t i = 0; i < values.size(); ++i) narrow[i] = to_bfloat16(values[i]);
  }
}

std::size_t ParameterStore::parameter_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [name, parameter] : parameters_)
    bytes += parameter.data.bytes() + parameter.master.bytes();
  return bytes;
}

std::size_t ParameterStore::gradient_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [name, parameter] : parameters_) bytes += parameter.gradient.bytes();
  return bytes;
}

}  // namespace attune
