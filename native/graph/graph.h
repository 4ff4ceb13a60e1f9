#pragma once

#include <any>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ops/op.h"

namespace attune {

enum class ValueKind : std::uint8_t { parameter, input, state, computed };

struct Value {
  ValueType type;
  ValueKind kind = ValueKind::computed;
  std::string name;                ///< of a parameter, input or state
  std::optional<Dimension> below;  ///< i32 inputs: every element lies in [0, below)
  std::int32_t producer = -1;      ///< node, for computed values
};

struct Node {
  const OpDefinition* op = nullptr;
  std::any arguments;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::string path;
};

[[nodiscard]] bool reads(const Node& node, ValueId id);

/// Concrete sizes of one batch, by the graph's size names.
using Sizes = std::vector<std::int64_t>;

/// A model as data: values and nodes in the order they were written, which is an order they can run in.
class Graph {
 public:
  explicit Graph(DType activation_dtype) : activation_dtype_(activation_dtype) {}

  /// The same name gives the same value; another shape for it throws. In the graph's dtype, or quantised.
  ValueId parameter(const std::string& name, const std::vector<std::int64_t>& shape, DType dtype);
  ValueId input(const std::string& name, std::vector<Dimension> dimensions, DType dtype,
                std::optional<Dimension> below);
  ValueId state(const std::string& name, const std::vector<std::int64_t>& shape);
  /// Parses, infers, appends. Throws with `path` in the message.
  std::vector<ValueId> add(std::string_view op, const std::string& path, std::vector<ValueId> inputs,
                           const Attributes& attributes);
  /// The same for nodes that come with their argument struct (gradients).
  std::vector<ValueId> add_node(const OpDefinition& op, const std::string& path, std::vector<ValueId> inputs,
                                std::any arguments);
  /// Gives a node other arguments; its outputs may grow at the end.
  void rewrite(std::size_t index, std::any arguments);
  /// Gives a node other arguments and inputs, from which its outputs must come out the same.
  void replace(std::size_t index, std::any arguments, std::vector<ValueId> inputs);
  /// Takes out a node whose outputs nothing uses; they stay as values that nobody makes.
  void remove(std::size_t index);
  /// Makes a node's outputs a second time before node `at`; from there on its first output is read from
  /// there.
  void remake(std::size_t index, std::size_t at);
  /// `add_node`, but before node `at`. Returns its outputs.
  std::vector<ValueId> insert(std::size_t at, const OpDefinition& op, const std::string& path,
                              std::vector<ValueId> inputs, std::any arguments);
  /// Gives a node inputs with other sizes: the types of its outputs are inferred anew.
  void resize(std::size_t index, std::vector<ValueId> inputs);
  /// Nodes from `first` on, and the graph's outputs, read `to` in place of `from`.
  void replace_uses(ValueId from, ValueId to, std::size_t first = 0);
  /// Whether a node from `first` on reads it, or it is one of the graph's outputs.
  [[nodiscard]] bool is_read(ValueId id, std::size_t first = 0) const;
  void output(const std::string& name, ValueId id);

  /// Index of a size name, made when new.
  std::int32_t size_name(std::string_view name);
  /// "tokens", "sequences+1" or a number, as written by the caller.
  [[nodiscard]] std::string text(const Dimension& dimension) const;
  [[nodiscard]] std::string text(const ValueType& type) const;
  [[nodiscard]] Shape bind(const ValueType& type, const Sizes& sizes) const;
  [[nodiscard]] std::int64_t bind(const Dimension& dimension, const Sizes& sizes) const;

  [[nodiscard]] DType activation_dtype() const { return activation_dtype_; }
  [[nodiscard]] const std::vector<Value>& values() const { return values_; }
  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
  [[nodiscard]] const Value& value(ValueId id) const;
  [[nodiscard]] const std::map<std::string, ValueId, std::less<>>& outputs() const { return outputs_; }
  [[nodiscard]] bool is_output(ValueId id) const;
  [[nodiscard]] const std::vector<std::string>& size_names() const { return size_names_; }
  /// kNone where there is none of that kind and name.
  [[nodiscard]] ValueId find(ValueKind kind, std::string_view name) const;
  /// One line per node.
  [[nodiscard]] std::string print() const;

 private:
  ValueId append(Value value);
  [[nodiscard]] std::vector<ValueType> infer(const OpDefinition& op, const std::string& path,
                                             const std::vector<ValueId>& inputs,
                                             const std::any& arguments) const;

  DType activation_dtype_;
  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::map<std::string, ValueId, std::less<>> outputs_;
  std::vector<std::string> size_names_;
};

}  // namespace attune
