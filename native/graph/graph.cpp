#include "graph/graph.h"

#include <algorithm>
#include <utility>

namespace attune {

bool reads(const Node& node, ValueId id) {
  return std::find(node.inputs.begin(), node.inputs.end(), id) != node.inputs.end();
}

bool Graph::is_output(ValueId id) const {
  return std::any_of(outputs_.begin(), outputs_.end(),
                     [&](const auto& output) { return output.second == id; });
}

ValueId Graph::append(Value value) {
  values_.push_back(std::move(value));
  return static_cast<ValueId>(values_.size() - 1);
}

const Value& Graph::value(ValueId id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= values_.size()) {
    throw Error("internal", "graph", "The graph has no value " + std::to_string(id) + ".");
  }
  return values_[static_cast<std::size_t>(id)];
}

ValueId Graph::find(ValueKind kind, std::string_view name) const {
  for (std::size_t id = 0; id < values_.size(); ++id) {
    if (values_[id].kind == kind && values_[id].name == name) return static_cast<ValueId>(id);
  }
  return kNone;
}

namespace {

[[nodiscard]] std::vector<Dimension> fixed_dimensions(const std::vector<std::int64_t>& shape) {
  std::vector<Dimension> dimensions;
  for (const std::int64_t size : shape) dimensions.push_back({.fixed = size});
  return dimensions;
}

}  // namespace

ValueId Graph::parameter(const std::string& name, const std::vector<std::int64_t>& shape, DType dtype) {
  ValueType type{fixed_dimensions(shape), dtype};
  if (const ValueId known = find(ValueKind::parameter, name); known != kNone) {
    if (value(known).type.dimensions != type.dimensions) {
      throw Error(
          "shape-mismatch", name,
          "Parameter " + name + " is used as " + text(value(known).type) + " and as " + text(type) + ".");
    }
    return known;
  }
  return append({.type = std::move(type), .kind = ValueKind::parameter, .name = name, .below = {}});
}

ValueId Graph::input(const std::string& name, std::vector<Dimension> dimensions, DType dtype,
                     std::optional<Dimension> below) {
  if (const ValueId known = find(ValueKind::input, name); known != kNone) return known;
  return append(
      {.type = {std::move(dimensions), dtype}, .kind = ValueKind::input, .name = name, .below = below});
}

ValueId Graph::state(const std::string& name, const std::vector<std::int64_t>& shape) {
  if (const ValueId known = find(ValueKind::state, name); known != kNone) return known;
  return append({.type = {fixed_dimensions(shape), activation_dtype_},
                 .kind = ValueKind::state,
                 .name = name,
                 .below = {}});
}

std::vector<ValueType> Graph::infer(const OpDefinition& op, const std::string& path,
                                    const std::vector<ValueId>& inputs, const std::any& arguments) const {
  const std::string where = path + " (" + std::string(op.name) + ")";
  if (inputs.size() > op.inputs.size()) {
    throw Error("missing-input", where,
                where + " takes at most " + std::to_string(op.inputs.size()) + " inputs but got " +
                    std::to_string(inputs.size()) + ".");
  }
  std::vector<const ValueType*> types;
  for (const ValueId id : inputs) types.push_back(id == kNone ? nullptr : &value(id).type);
  return op.infer(
      arguments,
      {.where = where, .activation_dtype = activation_dtype_, .inputs = types, .size_names = size_names_});
}

std::vector<ValueId> Graph::add(std::string_view op, const std::string& path, std::vector<ValueId> inputs,
                                const Attributes& attributes) {
  const OpDefinition& definition = find_op(op);
  std::any arguments = definition.parse(attributes);
  attributes.done();
  return add_node(definition, path, std::move(inputs), std::move(arguments));
}

std::vector<ValueId> Graph::add_node(const OpDefinition& op, const std::string& path,
                                     std::vector<ValueId> inputs, std::any arguments) {
  std::vector<ValueType> types = infer(op, path, inputs, arguments);
  Node node{
      .op = &op, .arguments = std::move(arguments), .inputs = std::move(inputs), .outputs = {}, .path = path};
  const auto index = static_cast<std::int32_t>(nodes_.size());
  for (ValueType& type : types) {
    node.outputs.push_back(append(
        {.type = std::move(type), .kind = ValueKind::computed, .name = "", .below = {}, .producer = index}));
  }
  nodes_.push_back(std::move(node));
  return nodes_.back().outputs;
}

void Graph::rewrite(std::size_t index, std::any arguments) {
  Node& node = nodes_.at(index);
  std::vector<ValueType> types = infer(*node.op, node.path, node.inputs, arguments);
  node.arguments = std::move(arguments);
  for (std::size_t output = node.outputs.size(); output < types.size(); ++output) {
    nodes_[index].outputs.push_back(append({.type = std::move(types[output]),
                                            .kind = ValueKind::computed,
                                            .name = "",
                                            .below = {},
                                            .producer = static_cast<std::int32_t>(index)}));
  }
}

void Graph::replace(std::size_t index, std::any arguments, std::vector<ValueId> inputs) {
  Node& node = nodes_.at(index);
  node.arguments = std::move(arguments);
  node.inputs = std::move(inputs);
}

void Graph::remove(std::size_t index) {
  nodes_.erase(nodes_.begin() + static_cast<std::ptrdiff_t>(index));
  const auto removed = static_cast<std::int32_t>(index);
  for (Value& value : values_) {
    if (value.producer == removed) value.producer = -1;
    if (value.producer > removed) --value.producer;
  }
}

void Graph::remake(std::size_t index, std::size_t at) {
  const Node made = nodes_.at(index);
  const ValueId again = insert(at, *made.op, made.path, made.inputs, made.arguments).front();
  replace_uses(made.outputs[0], again, at + 1);
}

std::vector<ValueId> Graph::insert(std::size_t at, const OpDefinition& op, const std::string& path,
                                   std::vector<ValueId> inputs, std::any arguments) {
  std::vector<ValueId> made = add_node(op, path, std::move(inputs), std::move(arguments));
  std::rotate(nodes_.begin() + static_cast<std::ptrdiff_t>(at), nodes_.end() - 1, nodes_.end());
  const auto place = static_cast<std::int32_t>(at);
  const auto last = static_cast<std::int32_t>(nodes_.size() - 1);
  for (Value& value : values_) {
    if (value.producer == last) {
      value.producer = place;
    } else if (value.producer >= place) {
      ++value.producer;
    }
  }
  return made;
}

void Graph::resize(std::size_t index, std::vector<ValueId> inputs) {
  Node& node = nodes_.at(index);
  std::vector<ValueType> types = infer(*node.op, node.path, inputs, node.arguments);
  node.inputs = std::move(inputs);
  for (std::size_t output = 0; output < types.size(); ++output) {
    values_[static_cast<std::size_t>(node.outputs[output])].type = std::move(types[output]);
  }
}

void Graph::replace_uses(ValueId from, ValueId to, std::size_t first) {
  for (std::size_t index = first; index < nodes_.size(); ++index) {
    std::replace(nodes_[index].inputs.begin(), nodes_[index].inputs.end(), from, to);
  }
  for (auto& [name, id] : outputs_) {
    if (id == from) id = to;
  }
}

bool Graph::is_read(ValueId id, std::size_t first) const {
  return is_output(id) || std::any_of(nodes_.begin() + static_cast<std::ptrdiff_t>(first), nodes_.end(),
                                      [&](const Node& node) { return reads(node, id); });
}

void Graph::output(const std::string& name, ValueId id) {
  static_cast<void>(value(id));
  outputs_[name] = id;
}

std::int32_t Graph::size_name(std::string_view name) {
  for (std::size_t index = 0; index < size_names_.size(); ++index) {
    if (size_names_[index] == name) return static_cast<std::int32_t>(index);
  }
  size_names_.emplace_back(name);
  return static_cast<std::int32_t>(size_names_.size() - 1);
}

std::string Graph::text(const Dimension& dimension) const {
  if (dimension.name < 0) return std::to_string(dimension.fixed);
  std::string out = size_names_.at(static_cast<std::size_t>(dimension.name));
  if (dimension.offset > 0) out.append("+").append(std::to_string(dimension.offset));
  return out;
}

std::string Graph::text(const ValueType& type) const {
  std::string out = "[";
  for (std::size_t axis = 0; axis < type.dimensions.size(); ++axis) {
    if (axis != 0) out += ", ";
    out += text(type.dimensions[axis]);
  }
  return out + "]";
}

std::int64_t Graph::bind(const Dimension& dimension, const Sizes& sizes) const {
  return dimension.name < 0 ? dimension.fixed
                            : sizes.at(static_cast<std::size_t>(dimension.name)) + dimension.offset;
}

Shape Graph::bind(const ValueType& type, const Sizes& sizes) const {
  Shape shape;
  for (const Dimension& dimension : type.dimensions) shape.push_back(bind(dimension, sizes));
  return shape;
}

std::string Graph::print() const {
  const auto describe = [this](ValueId id) {
    if (id == kNone) return std::string("-");
    const Value& v = value(id);
    const std::string name =
        v.kind == ValueKind::computed ? std::string("%").append(std::to_string(id)) : v.name;
    return name + " " + std::string(name_of(v.type.dtype)) + text(v.type);
  };
  const auto list = [&](const std::vector<ValueId>& ids) {
    std::string out;
    for (std::size_t index = 0; index < ids.size(); ++index)
      out += (index == 0 ? "" : ", ") + describe(ids[index]);
    return out;
  };
  std::string out;
  for (const Node& node : nodes_) {
    out += list(node.outputs) + " = " + std::string(node.op->name) + "(" + list(node.inputs) + ")  # " +
           node.path + "\n";
  }
  return out;
}

}  // namespace attune
