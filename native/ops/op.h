#pragma once

#include <any>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/dtype.h"
#include "core/error.h"
#include "core/shape.h"
#include "ops/work.h"

namespace attune {

using ValueId = std::int32_t;
inline constexpr ValueId kNone = -1;

/// A size known now, or a named one (tokens, sequences, rows) known when a batch arrives: named + `offset`.
struct Dimension {
  std::int64_t fixed = 0;
  std::int32_t name = -1;  ///< index into the graph's size names; -1: `fixed` holds
  std::int64_t offset = 0;
  [[nodiscard]] bool operator==(const Dimension&) const = default;
};

struct ValueType {
  std::vector<Dimension> dimensions;
  DType dtype = DType::f32;
};

/// What a caller wrote: plain values by name. Typed getters throw Error{"invalid-attribute"}; `done()` throws
/// on a name nobody asked for.
class Attributes {
 public:
  using Value = std::variant<bool, double, std::string, std::vector<double>>;

  Attributes() = default;
  Attributes(std::string where, std::map<std::string, Value, std::less<>> values)
      : where_(std::move(where)), values_(std::move(values)) {}

  [[nodiscard]] bool boolean(std::string_view name, bool fallback) const;
  [[nodiscard]] float number(std::string_view name, float fallback) const;
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t fallback) const;
  [[nodiscard]] std::int64_t required_integer(std::string_view name) const;
  [[nodiscard]] std::string text(std::string_view name, std::string_view fallback) const;
  [[nodiscard]] std::vector<float> numbers(std::string_view name) const;
  /// Empty where it is absent.
  [[nodiscard]] std::vector<std::int64_t> integers(std::string_view name) const;
  void done() const;
  /// Throws Error{"invalid-attribute"}: `expected` completes "Expected NAME to be ...".
  [[noreturn]] void fail(std::string_view name, std::string_view expected) const;

 private:
  [[nodiscard]] const Value* find(std::string_view name) const;

  std::string where_;
  std::map<std::string, Value, std::less<>> values_;
  mutable std::vector<std::string> asked_;
};

/// Checks the inputs of one node and states its outputs. Absent optional inputs are nullptr.
/// The check_* functions throw Error{"shape-mismatch" | "dtype-mismatch" | "missing-input"} with `where` =
/// the node's path.
struct InferContext {
  std::string where;                    ///< node path and op, for messages
  DType activation_dtype = DType::f32;  ///< of the graph
  std::span<const ValueType* const> inputs;
  std::span<const std::string> size_names;

  [[nodiscard]] bool has(std::size_t input) const {
    return input < inputs.size() && inputs[input] != nullptr;
  }
  [[nodiscard]] const ValueType& in(std::size_t input, std::string_view name) const;
  void check_rank(std::size_t input, std::string_view name, std::size_t rank) const;
  void check_dtype(std::size_t input, std::string_view name, DType dtype) const;
  /// Activations have the graph's dtype.
  void check_activation(std::size_t input, std::string_view name) const;
  /// Weights have the graph's dtype or f32.
  void check_weight(std::size_t input, std::string_view name) const;
  /// The same, or quantised: of ops whose kernels unpack.
  void check_quantizable(std::size_t input, std::string_view name) const;
  void check_dimension(std::size_t input, std::string_view name, std::size_t axis,
                       const Dimension& expected) const;
  void check_same_shape(std::size_t input, std::string_view name, const ValueType& expected) const;
  [[nodiscard]] std::string text(const ValueType& type) const;
  [[noreturn]] void fail(std::string_view code, const std::string& message) const;
};

/// What a gradient rule sees. It returns nodes: it never computes.
class GradientContext {
 public:
  virtual ~GradientContext() = default;
  [[nodiscard]] virtual const std::any& arguments() const = 0;
  [[nodiscard]] virtual ValueId input(std::size_t index) const = 0;
  [[nodiscard]] virtual ValueId output(std::size_t index) const = 0;
  /// Gradient that arrives at an output; kNone where nothing flows.
  [[nodiscard]] virtual ValueId output_gradient(std::size_t index) const = 0;
  /// Whether a gradient of this input is needed. Rules must not add nodes for inputs that are not wanted.
  [[nodiscard]] virtual bool wants(std::size_t index) const = 0;
  /// Takes what is already summed for this input, to be fused as an addend: the rule must then include it in
  /// what it gives. kNone where there is nothing yet, or where the input is a parameter.
  [[nodiscard]] virtual ValueId take_partial(std::size_t index) = 0;
  /// Adds a node; `arguments` is the op's argument struct. Returns its outputs.
  virtual std::vector<ValueId> add(std::string_view op, std::any arguments, std::vector<ValueId> inputs) = 0;
  virtual void give(std::size_t index, ValueId gradient) = 0;
  /// Replaces the forward node's arguments and infers its outputs anew (they may only grow at the end).
  /// Returns all its outputs.
  virtual std::vector<ValueId> extend_forward(std::any arguments) = 0;
  [[nodiscard]] virtual const ValueType& type(ValueId value) const = 0;
};

/// Float64 tensors of the reference: the op as the plainest loops, specification and test oracle at once.
struct ReferenceTensor {
  Shape shape;
  std::vector<double> data;
  bool present = false;
};

/// One row of the op table.
struct OpDefinition {
  std::string_view name;
  std::span<const std::string_view> inputs;   ///< names, for messages
  std::span<const std::string_view> outputs;  ///< all that there can be
  std::any (*parse)(const Attributes&) = nullptr;
  std::vector<ValueType> (*infer)(const std::any& arguments, const InferContext&) = nullptr;
  /// nullptr: not differentiable; reaching it is Error{"not-differentiable"} naming the node.
  void (*gradient)(GradientContext&) = nullptr;
  /// Sizes outputs itself. nullptr for backward ops, whose oracle is the forward reference's finite
  /// difference.
  void (*reference)(const std::any& arguments, std::span<const ReferenceTensor> inputs,
                    std::vector<ReferenceTensor>& outputs) = nullptr;
  /// Floating-point operations of one node: every op has a rule.
  WorkRule work = nullptr;
  /// Outputs (from this index on) honour TensorView::accumulate, so they may be a parameter's gradient.
  std::size_t accumulates_from = kNoInput;
  /// Indices of the inputs that have a row for each row of the outputs, where row r of the outputs depends on
  /// row r of these alone, and the other inputs have no such rows. Empty: rows depend on each other.
  std::span<const std::size_t> row_inputs = {};
  /// Of an op whose rows depend on other inputs' rows too (attention: on all keys and values): the optional
  /// input that names the rows which the outputs and row_inputs have. kNoInput: there is none such.
  std::size_t row_numbers = kNoInput;
  /// Of that op: whether a node can be given row_numbers.
  bool (*can_pick_rows)(const std::any& arguments, std::span<const ValueId> inputs) = nullptr;

  static constexpr std::size_t kNoInput = static_cast<std::size_t>(-1);
};

/// Throws Error{"unknown-op"} with the nearest name.
[[nodiscard]] const OpDefinition& find_op(std::string_view name);
[[nodiscard]] std::span<const OpDefinition> op_table();

}  // namespace attune
