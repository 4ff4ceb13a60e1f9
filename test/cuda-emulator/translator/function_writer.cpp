#include "translator/function_writer.h"

#include <algorithm>
#include <cctype>
#include <ranges>
#include <utility>

#include "translator/translate.h"

namespace emulator {

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

FunctionWriter::FunctionWriter(const PtxFunction& function, const ModuleNames& names, ModuleText& module)
    : function_(function), names_(names), module_(module), scopes_(1) {}

std::string FunctionWriter::cpp_name(const std::string& name) const {
  std::string result = name[0] == '%' ? "" : "n_";  // %x and x are different names
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') result += c;
    if (c == '$') result += "S_";
  }
  return result + "_" + (scopes_.size() > 1 ? std::to_string(next_scope_) + "_" : "");
}

void FunctionWriter::declare(const PtxVariable& variable) {
  auto& scope = scopes_.back();
  const std::string name = cpp_name(variable.name);
  if (variable.space == "reg") {
    const std::string held = held_type(variable.type);
    if (held.empty()) fail("register type ." + variable.type);
    for (std::uint32_t i = 0; i < std::max<std::uint32_t>(variable.count, 1); ++i) {
      const std::string number = variable.count > 0 ? std::to_string(i) : "";
      std::string full = name;
      full += number;
      declarations_.append("  ").append(held).append(" ").append(full).append("{};\n");
      scope[variable.name + number] = {Name::Kind::reg, std::move(full), variable.type};
    }
  } else if (variable.space == "local") {
    scope[variable.name] = {Name::Kind::local, name, ""};
    local_bytes_ += static_cast<std::uint32_t>(variable.bytes);
    // What was never written reads as NaN.
    declarations_ += "  alignas(16) alignas(" + std::to_string(variable.align) + ") std::byte " + name + "[" +
                     std::to_string(variable.bytes) + "];\n  __builtin_memset(" + name + ", 0xff, sizeof " +
                     name + ");\n";
  } else if (variable.space == "param") {
    scope[variable.name] = {Name::Kind::param, name, ""};
    declarations_ += "  alignas(16) std::byte " + name + "[" +
                     std::to_string(std::max<std::uint64_t>(variable.bytes, 1)) + "];\n";
  } else if (variable.space != "shared") {  // the module places shared variables
    fail("a variable in ." + variable.space + " within a function");
  }
}

void FunctionWriter::declare_parameters() {
  std::uint32_t offset = 0;
  for (const PtxVariable& parameter : function_.parameters) {
    if (parameter.space != "param") fail("a parameter that is a register");
    if (function_.is_entry) {
      offset = (offset + parameter.align - 1) / parameter.align * parameter.align;
      scopes_[0][parameter.name] = {Name::Kind::param, "(parameters + " + std::to_string(offset) + ")", ""};
      offset += static_cast<std::uint32_t>(parameter.bytes);
    } else {
      scopes_[0][parameter.name] = {Name::Kind::param, cpp_name(parameter.name), ""};
    }
  }
  for (const PtxVariable& result : function_.results) {
    if (result.space != "param") fail("a result that is a register");
    scopes_[0][result.name] = {Name::Kind::param, cpp_name(result.name), ""};
  }
}

const FunctionWriter::Name* FunctionWriter::find(const std::string& name) const {
  for (const auto& scope : std::views::reverse(scopes_)) {
    const auto found = scope.find(name);
    if (found != scope.end()) return &found->second;
  }
  return nullptr;
}

std::string FunctionWriter::label(const std::string& name) const {
  std::string result = "label_";
  for (const char c : name) {
    if (c == '$' || c == '%')
      result += "S_";
    else
      result += c;
  }
  return result;
}

const std::vector<std::string>& FunctionWriter::targets(const std::string& name) const {
  const auto found = targets_.find(name);
  if (found == targets_.end()) fail("no .branchtargets " + name);
  return found->second;
}

const PtxFunction& FunctionWriter::callee(const std::string& name) const {
  const auto found = names_.functions.find(name);
  if (found == names_.functions.end()) fail("call of " + name + ", which this module does not define");
  return *found->second;
}

std::string FunctionWriter::parameter_array(const std::string& name) const {
  const Name* found = find(name);
  if (found == nullptr || found->kind != Name::Kind::param) fail(name + " is no parameter");
  return found->text;
}

void FunctionWriter::fail(const std::string& why) const {
  throw PtxError(current_ == nullptr ? 0 : current_->line,
                 "function " + function_.name + ": " + why +
                     (current_ == nullptr ? "" : " in `" + current_->text + "`"));
}

std::string FunctionWriter::site() {
  const auto file = names_.files.find(file_);
  const bool has_source = file_line_ > 0 && file != names_.files.end();
  const std::string name = has_source ? file->second.substr(file->second.rfind('/') + 1) : "PTX";
  module_.sites.push_back("{" + quoted(current_->text) + ", " + quoted(name) + ", " +
                          std::to_string(has_source ? file_line_ : current_->line) + ", &no_allocation}");
  return "sites[" + std::to_string(module_.sites.size() - 1) + "]";
}

std::string FunctionWriter::statement(const PtxStatement& statement) {
  current_ = &statement;
  switch (statement.kind) {
    case PtxStatement::Kind::open_scope:
      scopes_.emplace_back();
      ++next_scope_;
      return "";
    case PtxStatement::Kind::close_scope:
      scopes_.pop_back();
      return "";
    case PtxStatement::Kind::declaration:
      for (const PtxVariable& variable : statement.declared) declare(variable);
      return "";
    case PtxStatement::Kind::label:
      return statement.targets.empty() ? label(statement.text) + ":;\n" : "";
    case PtxStatement::Kind::location: {
      file_ = statement.file;
      file_line_ = statement.file_line;
      const auto file = names_.files.find(file_);
      if (file_line_ == 0 || file == names_.files.end()) return "";
      return "#line " + std::to_string(file_line_) + " " + quoted(file->second) + "\n";
    }
    case PtxStatement::Kind::instruction:
      break;
  }
  Instruction instruction(statement.text, statement.line);
  const auto translation = instruction_table().find(instruction.opcode());
  if (translation == instruction_table().end()) instruction.fail("the opcode is not known");
  std::string code = translation->second(instruction, *this);
  instruction.expect_done();
  if (statement.guard.empty()) return "  { " + code + " }\n";
  return "  if (" + std::string(statement.guard_negated ? "!" : "") + predicate(statement.guard) + ") { " +
         code + " }\n";
}

std::string FunctionWriter::write() {
  declare_parameters();
  for (const PtxStatement& statement : function_.statements) {
    if (!statement.targets.empty()) targets_[statement.text] = statement.targets;
  }
  std::string body;
  for (const PtxStatement& each : function_.statements) body += statement(each);
  current_ = nullptr;
  return function_signature(function_) + " {\n  [[maybe_unused]] bool carry = false;\n" + declarations_ +
         body + "}\n";
}

}  // namespace emulator
