#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "translator/ptx.h"

namespace emulator {

class FunctionWriter;

/// `opcode.modifier.….type a, b, c`. A translation takes each modifier it knows; what is left over is an
/// error.
class Instruction {
 public:
  Instruction(const std::string& text, int line);

  [[nodiscard]] const std::string& opcode() const { return opcode_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] int line() const { return line_; }
  [[nodiscard]] std::size_t operands() const { return operands_.size(); }
  [[nodiscard]] const std::string& operand(std::size_t i) const;

  /// Whether the modifier is there; it counts as understood.
  bool take(const std::string& modifier);
  /// The first of these that is there, or "".
  std::string take_one(std::initializer_list<const char*> modifiers);
  /// The last modifier.
  std::string take_type();
  /// The first modifier left.
  std::string take_first();
  /// Modifiers that say how memory is cached and ordered, which is all one here.
  void take_memory_hints();
  void expect_done() const;
  [[noreturn]] void fail(const std::string& why) const;

 private:
  std::string text_;
  int line_;
  std::string opcode_;
  std::vector<std::string> modifiers_;
  std::vector<std::string> operands_;
};

/// "a, {b, c}, [d+4]" at its outer commas.
[[nodiscard]] std::vector<std::string> split_operands(const std::string& text);

/// Gives the C++ statements of an instruction.
using Translation = std::function<std::string(Instruction&, FunctionWriter&)>;
using Translations = std::map<std::string, Translation>;

void add_arithmetic(Translations& table);
void add_bit_operations(Translations& table);
void add_comparisons(Translations& table);
void add_conversions(Translations& table);
void add_control_flow(Translations& table);
void add_memory(Translations& table);
void add_atomics(Translations& table);
void add_warp_operations(Translations& table);
void add_tensor_operations(Translations& table);

}  // namespace emulator
