#include "graph/parameter_store.h"

#include <algorithm>

#include "core/quantization.h"

namespace attune {
namespace {

[[nodiscard]] std::size_t count_of(const Parameter& parameter) {
  return static_cast<std::size_t>(parameter.elements());
}

void make_master(Device& device, Parameter& parameter) {
  const std::size_t count = count_of(parameter);
  parameter.master = device.allocate(count * sizeof(float), parameter.name.c_str());
  const HostView narrow(device, parameter.data.data(), parameter.data.bytes(), HostView::Access::read);
  HostView wide(device, parameter.master.data(), parameter.master.bytes(), HostView::Access::write);
  for (std::size_t i = 0; i < count; ++i) wide.as<float>()[i] = to_float(narrow.as<bfloat16>()[i]);
  wide.finish();
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
  parameter.data = device_->allocate(bytes_of(dtype, shape.elements()), name.c_str());
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
    if (parameter.dtype == DType::bf16 && parameter.master.data() == nullptr)
      make_master(*device_, parameter);
  }
}

void ParameterStore::keep_gradients() {
  for (auto& [name, parameter] : parameters_) {
    if (parameter.trainable && parameter.gradient.data() == nullptr)
      parameter.gradient = device_->allocate(count_of(parameter) * sizeof(float), name.c_str());
  }
}

void ParameterStore::release_gradients() {
  for (auto& [name, parameter] : parameters_) parameter.gradient = {};
}

void ParameterStore::read(std::string_view name, std::span<float> out) {
  const Parameter& parameter = at(name);
  check_size(parameter, out.size());
  if (parameter.dtype == DType::f32 || parameter.master.data() != nullptr) {
    device_->read(std::as_writable_bytes(out), parameter.weights());
    return;
  }
  const HostView stored(*device_, parameter.data.data(), parameter.data.bytes(), HostView::Access::read);
  if (is_quantized(parameter.dtype)) {
    dequantize(parameter.dtype, stored.data(), out);
    return;
  }
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = to_float(stored.as<bfloat16>()[i]);
}

void ParameterStore::write(std::string_view name, std::span<const float> values) {
  Parameter& parameter = at(name);
  check_size(parameter, values.size());
  if (is_quantized(parameter.dtype)) {
    HostView stored(*device_, parameter.data.data(), parameter.data.bytes(), HostView::Access::write);
    quantize(parameter.dtype, values, stored.data(), parameter.name.c_str());
    stored.finish();
    return;
  }
  if (parameter.dtype == DType::f32 || parameter.master.data() != nullptr) {
    device_->write(parameter.weights(), std::as_bytes(values));
  }
  if (parameter.dtype == DType::bf16) {
    HostView narrow(*device_, parameter.data.data(), parameter.data.bytes(), HostView::Access::write);
    for (std::size_t i = 0; i < values.size(); ++i) narrow.as<bfloat16>()[i] = to_bfloat16(values[i]);
    narrow.finish();
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
