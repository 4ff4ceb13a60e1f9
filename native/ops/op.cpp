#include "ops/op.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace attune {
namespace {

[[nodiscard]] std::string text_of(const Attributes::Value& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const double* number = std::get_if<double>(&value)) {
    std::string out = std::to_string(*number);
    out.erase(out.find_last_not_of('0') + 1);
    if (out.back() == '.') out.pop_back();
    return out;
  }
  if (const std::string* text = std::get_if<std::string>(&value)) return "'" + *text + "'";
  return "a list of " + std::to_string(std::get<std::vector<double>>(value).size()) + " numbers";
}

/// Insertions, deletions and replacements that turn one word into the other.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

template <class Names>
[[nodiscard]] std::string_view nearest(std::string_view wanted, const Names& names) {
  std::string_view best;
  std::size_t best_distance = static_cast<std::size_t>(-1);
  for (const std::string_view name : names) {
    const std::size_t distance = edit_distance(wanted, name);
    if (distance < best_distance) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

[[nodiscard]] std::string dimension_text(const Dimension& dimension,
                                         std::span<const std::string> size_names) {
  if (dimension.name < 0) return std::to_string(dimension.fixed);
  const auto name = static_cast<std::size_t>(dimension.name);
  std::string out = name < size_names.size() ? size_names[name] : "?";
  if (dimension.offset > 0) out += "+";
  if (dimension.offset != 0) out += std::to_string(dimension.offset);
  return out;
}

/// Beyond 2^53 a double no longer holds every integer.
[[nodiscard]] bool is_integer(double number) {
  return std::trunc(number) == number && std::abs(number) <= 9007199254740992.0;
}

}  // namespace

const Attributes::Value* Attributes::find(std::string_view name) const {
  if (std::find(asked_.begin(), asked_.end(), name) == asked_.end()) asked_.emplace_back(name);
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

void Attributes::fail(std::string_view name, std::string_view expected) const {
  const auto found = values_.find(name);
  const std::string received = found == values_.end() ? "nothing" : text_of(found->second);
  throw Error("invalid-attribute", where_,
              where_ + ": expected " + std::string(name) + " to be " + std::string(expected) +
                  " but received " + received + ".");
}

bool Attributes::boolean(std::string_view name, bool fallback) const {
  const Value* value = find(name);
  if (value == nullptr) return fallback;
  if (const bool* flag = std::get_if<bool>(value)) return *flag;
  fail(name, "true or false");
}

float Attributes::number(std::string_view name, float fallback) const {
  const Value* value = find(name);
  if (value == nullptr) return fallback;
  const double* number = std::get_if<double>(value);
  if (number == nullptr || !std::isfinite(*number)) fail(name, "a finite number");
  return static_cast<float>(*number);
}

std::int64_t Attributes::integer(std::string_view name, std::int64_t fallback) const {
  const Value* value = find(name);
  if (value == nullptr) return fallback;
  const double* number = std::get_if<double>(value);
  if (number == nullptr || !is_integer(*number)) fail(name, "an integer");
  return static_cast<std::int64_t>(*number);
}

std::int64_t Attributes::required_integer(std::string_view name) const {
  if (find(name) == nullptr) fail(name, "an integer");
  return integer(name, 0);
}

std::string Attributes::text(std::string_view name, std::string_view fallback) const {
  const Value* value = find(name);
  if (value == nullptr) return std::string(fallback);
  if (const std::string* text = std::get_if<std::string>(value)) return *text;
  fail(name, "a string");
}

std::vector<float> Attributes::numbers(std::string_view name) const {
  const Value* value = find(name);
  const std::vector<double>* list = value == nullptr ? nullptr : std::get_if<std::vector<double>>(value);
  if (list == nullptr) fail(name, "a list of numbers");
  std::vector<float> out;
  for (const double number : *list) {
    if (!std::isfinite(number)) fail(name, "a list of finite numbers");
    out.push_back(static_cast<float>(number));
  }
  return out;
}

std::vector<std::int64_t> Attributes::integers(std::string_view name) const {
  const Value* value = find(name);
  if (value == nullptr) return {};
  const std::vector<double>* list = std::get_if<std::vector<double>>(value);
  if (list == nullptr) fail(name, "a list of integers");
  std::vector<std::int64_t> out;
  for (const double number : *list) {
    if (!is_integer(number)) fail(name, "a list of integers");
    out.push_back(static_cast<std::int64_t>(number));
  }
  return out;
}

void Attributes::done() const {
  for (const auto& [name, value] : values_) {
    if (std::find(asked_.begin(), asked_.end(), name) != asked_.end()) continue;
    std::string message = where_ + ": unknown attribute " + name + ".";
    if (asked_.empty()) {
      message += " This op takes none.";
    } else {
      message += " Did you mean " + std::string(nearest(name, asked_)) + "?";
    }
    throw Error("invalid-attribute", where_, message);
  }
}

const ValueType& InferContext::in(std::size_t input, std::string_view name) const {
  if (!has(input)) fail("missing-input", "expected input " + std::string(name) + " but received nothing.");
  return *inputs[input];
}

void InferContext::check_rank(std::size_t input, std::string_view name, std::size_t rank) const {
  const ValueType& type = in(input, name);
  if (type.dimensions.size() == rank) return;
  fail("shape-mismatch", "expected " + std::string(name) + " to have " + std::to_string(rank) +
                             (rank == 1 ? " dimension" : " dimensions") + " but received " + text(type) +
                             ".");
}

void InferContext::check_dtype(std::size_t input, std::string_view name, DType dtype) const {
  const ValueType& type = in(input, name);
  if (type.dtype == dtype) return;
  fail("dtype-mismatch", "expected " + std::string(name) + " to be " + std::string(name_of(dtype)) +
                             " but received " + std::string(name_of(type.dtype)) + text(type) + ".");
}

void InferContext::check_activation(std::size_t input, std::string_view name) const {
  check_dtype(input, name, activation_dtype);
}

void InferContext::check_weight(std::size_t input, std::string_view name) const {
  if (in(input, name).dtype != DType::f32) check_dtype(input, name, activation_dtype);
}

void InferContext::check_quantizable(std::size_t input, std::string_view name) const {
  if (!is_quantized(in(input, name).dtype)) check_weight(input, name);
}

void InferContext::check_dimension(std::size_t input, std::string_view name, std::size_t axis,
                                   const Dimension& expected) const {
  const ValueType& type = in(input, name);
  if (axis < type.dimensions.size() && type.dimensions[axis] == expected) return;
  fail("shape-mismatch", "expected size " + dimension_text(expected, size_names) + " on axis " +
                             std::to_string(axis) + " of " + std::string(name) + " but received " +
                             text(type) + ".");
}

void InferContext::check_same_shape(std::size_t input, std::string_view name,
                                    const ValueType& expected) const {
  const ValueType& type = in(input, name);
  if (type.dimensions == expected.dimensions) return;
  fail("shape-mismatch", "expected " + std::string(name) + " to have shape " + text(expected) +
                             " but received " + text(type) + ".");
}

std::string InferContext::text(const ValueType& type) const {
  std::string out = "[";
  for (std::size_t axis = 0; axis < type.dimensions.size(); ++axis) {
    if (axis != 0) out += ", ";
    out += dimension_text(type.dimensions[axis], size_names);
  }
  return out + "]";
}

void InferContext::fail(std::string_view code, const std::string& message) const {
  throw Error(code, where, where + ": " + message);
}

const OpDefinition& find_op(std::string_view name) {
  std::vector<std::string_view> names;
  for (const OpDefinition& op : op_table()) {
    if (op.name == name) return op;
    names.push_back(op.name);
  }
  throw Error(
      "unknown-op", name,
      "There is no op " + std::string(name) + ". Did you mean " + std::string(nearest(name, names)) + "?");
}

}  // namespace attune
