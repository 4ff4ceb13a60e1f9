#pragma once

#include <map>
#include <string>
#include <vector>

#include "translator/instruction.h"
#include "translator/kernel_needs.h"
#include "translator/ptx.h"

namespace emulator {

/// Where the module's own variables are.
struct ModuleNames {
  SharedLayout shared;
  std::map<std::string, std::string> globals;  // the C++ variable that holds the address
  Functions functions;
  std::map<int, std::string> files;
};

/// Everything that is written down once for a module: sites, declarations.
struct ModuleText {
  std::vector<std::string> sites;
};

/// Writes one function as C++: a variable per register, a label per label.
class FunctionWriter {
 public:
  FunctionWriter(const PtxFunction& function, const ModuleNames& names, ModuleText& module);

  /// The whole definition.
  [[nodiscard]] std::string write();
  [[nodiscard]] std::uint32_t local_bytes() const { return local_bytes_; }

  // For the translations.
  /// An operand as a value of the PTX type.
  [[nodiscard]] std::string read(const std::string& operand, const std::string& type);
  /// `set(register, expression);`, or only the expression for the sink `_`.
  [[nodiscard]] std::string write(const std::string& operand, const std::string& expression);
  [[nodiscard]] std::string predicate(const std::string& operand) { return read(operand, "pred"); }
  [[nodiscard]] bool is_predicate(const std::string& operand) const;
  /// "[base+4]" in a state space ("" = generic) to a pointer expression of type std::byte*.
  [[nodiscard]] std::string pointer(const std::string& operand, const std::string& space,
                                    std::uint32_t bytes);
  /// "[base+4]" to an address expression of type u64, or u32 in shared memory.
  [[nodiscard]] std::string address(const std::string& operand, const std::string& space);
  /// "{a, b}" or "a" to its parts.
  [[nodiscard]] static std::vector<std::string> parts(const std::string& operand);
  /// `sites[n]`, a new one for the instruction at hand.
  [[nodiscard]] std::string site();
  [[nodiscard]] std::string label(const std::string& name) const;
  [[nodiscard]] const std::vector<std::string>& targets(const std::string& name) const;
  [[nodiscard]] const PtxFunction& callee(const std::string& name) const;
  /// The byte array of a `.param` of this function or scope.
  [[nodiscard]] std::string parameter_array(const std::string& name) const;
  [[nodiscard]] bool is_entry() const { return function_.is_entry; }
  [[noreturn]] void fail(const std::string& why) const;

 private:
  struct Name {
    enum class Kind { reg, local, param } kind;
    std::string text;  // C++
    std::string type;
  };

  void declare(const PtxVariable& variable);
  void declare_parameters();
  [[nodiscard]] const Name* find(const std::string& name) const;
  [[nodiscard]] std::string statement(const PtxStatement& statement);
  [[nodiscard]] std::string cpp_name(const std::string& name) const;
  [[nodiscard]] std::string immediate(const std::string& operand, const std::string& type) const;
  /// Base register or variable of an address and what is added to it.
  struct Address {
    std::string base;
    std::string offset;
  };
  [[nodiscard]] Address split_address(const std::string& operand) const;

  const PtxFunction& function_;
  const ModuleNames& names_;
  ModuleText& module_;
  std::vector<std::map<std::string, Name>> scopes_;
  std::map<std::string, std::vector<std::string>> targets_;
  std::string declarations_;
  std::uint32_t local_bytes_ = 0;
  int next_scope_ = 0;
  int file_ = 0;
  int file_line_ = 0;
  const PtxStatement* current_ = nullptr;
};

/// PTX type to the C++ type of semantics/register.h.
[[nodiscard]] std::string cpp_type(const std::string& ptx_type);
/// The C++ type of a register: the bits of a half or a pair.
[[nodiscard]] std::string held_type(const std::string& ptx_type);
[[nodiscard]] bool is_float(const std::string& type);
[[nodiscard]] bool is_half(const std::string& type);
[[nodiscard]] bool is_pair(const std::string& type);
/// A C++ string literal.
[[nodiscard]] std::string quoted(const std::string& text);

}  // namespace emulator
