#include "translator/kernel_needs.h"

#include <algorithm>

namespace emulator {
namespace {

constexpr std::uint32_t kDynamicAlign = 128;

std::uint32_t align_up(std::uint32_t value, std::uint32_t to) { return (value + to - 1) / to * to; }

std::string opcode_of(const PtxStatement& statement) {
  return statement.text.substr(0, statement.text.find_first_of(". "));
}

void add_reachable(const PtxFunction& function, const Functions& functions,
                   std::set<const PtxFunction*>& seen) {
  if (!seen.insert(&function).second) return;
  for (const PtxStatement& statement : function.statements) {
    if (statement.kind != PtxStatement::Kind::instruction || opcode_of(statement) != "call") continue;
    for (const std::string& token : ptx_tokens(statement.text)) {
      const auto callee = functions.find(token);
      if (callee != functions.end()) add_reachable(*callee->second, functions, seen);
    }
  }
}

std::vector<const PtxVariable*> shared_variables(const PtxFunction& function) {
  std::vector<const PtxVariable*> result;
  for (const PtxStatement& statement : function.statements) {
    for (const PtxVariable& variable : statement.declared) {
      if (variable.space == "shared") result.push_back(&variable);
    }
  }
  return result;
}

bool names(const std::set<const PtxFunction*>& functions, const std::string& variable) {
  for (const PtxFunction* function : functions) {
    for (const PtxStatement& statement : function->statements) {
      if (statement.text.find(variable) == std::string::npos) continue;
      const std::vector<std::string> tokens = ptx_tokens(statement.text);
      if (std::find(tokens.begin(), tokens.end(), variable) != tokens.end()) return true;
    }
  }
  return false;
}

}  // namespace

std::set<const PtxFunction*> reachable(const PtxFunction& function, const Functions& functions) {
  std::set<const PtxFunction*> result;
  add_reachable(function, functions, result);
  return result;
}

bool meets(const std::set<const PtxFunction*>& functions) {
  static const std::set<std::string> opcodes = {"bar",   "barrier", "shfl",     "vote",     "match",
                                                "redux", "mma",     "ldmatrix", "movmatrix"};
  return std::any_of(functions.begin(), functions.end(), [](const PtxFunction* function) {
    return std::any_of(
        function->statements.begin(), function->statements.end(), [](const PtxStatement& statement) {
          return statement.kind == PtxStatement::Kind::instruction && opcodes.count(opcode_of(statement)) > 0;
        });
  });
}

SharedLayout::SharedLayout(const PtxModule& module, const Functions& functions, std::uint32_t redzone)
    : redzone_(redzone) {
  std::uint32_t module_end = 0;
  for (const PtxVariable& variable : module.variables) {
    if (variable.space != "shared") continue;
    place(variable, module_names_, module_end);
    if (variable.bytes > 0) module_variables_.push_back(&variable);
  }
  for (const auto& [name, function] : functions) {
    if (function->is_entry) continue;
    for (const PtxVariable* variable : shared_variables(*function)) {
      place(*variable, own_names_[function], module_end);
    }
  }
  for (const auto& [name, function] : functions) {
    if (!function->is_entry) continue;
    std::uint32_t end = module_end;
    for (const PtxVariable* variable : shared_variables(*function)) {
      place(*variable, own_names_[function], end);
    }
  }
}

void SharedLayout::place(const PtxVariable& variable, std::map<std::string, std::uint32_t>& names,
                         std::uint32_t& end) {
  if (variable.bytes == 0) {
    dynamic_.insert(variable.name);
    return;
  }
  const std::uint32_t offset = align_up(end, std::max(variable.align, redzone_ == 0 ? 1u : 16u));
  names[variable.name] = offset;
  end = offset + static_cast<std::uint32_t>(variable.bytes) + redzone_;
}

SharedLayout::OfKernel SharedLayout::of_kernel(const PtxFunction& kernel, const Functions& functions) const {
  OfKernel result{};
  const auto add = [&](const PtxVariable& variable, std::uint32_t offset) {
    const auto bytes = static_cast<std::uint32_t>(variable.bytes);
    result.places.push_back({offset, bytes});
    result.end = std::max(result.end, offset + bytes + redzone_);
    result.packed_bytes = align_up(result.packed_bytes, variable.align) + bytes;
  };
  const std::set<const PtxFunction*> used = reachable(kernel, functions);
  for (const PtxVariable* variable : module_variables_) {
    if (names(used, variable->name)) add(*variable, module_names_.at(variable->name));
  }
  for (const PtxFunction* function : used) {
    for (const PtxVariable* variable : shared_variables(*function)) {
      if (variable->bytes > 0) add(*variable, own_names_.at(function).at(variable->name));
    }
  }
  result.end = align_up(result.end, kDynamicAlign);
  return result;
}

const std::uint32_t* SharedLayout::find(const PtxFunction& function, const std::string& name) const {
  const auto own = own_names_.find(&function);
  if (own != own_names_.end()) {
    const auto found = own->second.find(name);
    if (found != own->second.end()) return &found->second;
  }
  const auto found = module_names_.find(name);
  return found == module_names_.end() ? nullptr : &found->second;
}

}  // namespace emulator
