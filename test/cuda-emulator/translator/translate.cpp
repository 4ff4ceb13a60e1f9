#include "translator/translate.h"

#include <algorithm>
#include <functional>
#include <set>

#include "translator/function_writer.h"

namespace emulator {
namespace {

std::uint32_t align_up(std::uint32_t value, std::uint32_t to) { return (value + to - 1) / to * to; }

struct SharedLayout {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> variables;  // offset, bytes
  std::uint32_t bytes = 0;
};

/// Shared variables of the module and of all its functions; those declared extern are the dynamic part behind
/// them.
SharedLayout place_shared(const PtxModule& module, std::uint32_t redzone, ModuleNames& names) {
  SharedLayout layout;
  std::vector<const PtxVariable*> all;
  std::vector<const PtxVariable*> dynamic;
  const auto add = [&](const PtxVariable& variable) {
    if (variable.space == "shared") (variable.bytes == 0 ? dynamic : all).push_back(&variable);
  };
  for (const PtxVariable& variable : module.variables) add(variable);
  for (const PtxFunction& function : module.functions) {
    for (const PtxStatement& statement : function.statements) {
      for (const PtxVariable& variable : statement.declared) add(variable);
    }
  }
  for (const PtxVariable* variable : all) {
    layout.bytes = align_up(layout.bytes, std::max(variable->align, redzone == 0 ? 1u : 16u));
    names.shared[variable->name] = layout.bytes;
    layout.variables.emplace_back(layout.bytes, static_cast<std::uint32_t>(variable->bytes));
    layout.bytes += static_cast<std::uint32_t>(variable->bytes) + redzone;
  }
  layout.bytes = align_up(layout.bytes, 128);
  for (const PtxVariable* variable : dynamic) names.shared[variable->name] = layout.bytes;
  return layout;
}

const std::set<std::string>& meeting_opcodes() {
  static const std::set<std::string> opcodes = {"bar",   "barrier", "shfl",     "vote",     "match",
                                                "redux", "mma",     "ldmatrix", "movmatrix"};
  return opcodes;
}

std::string opcode_of(const PtxStatement& statement) {
  return statement.text.substr(0, statement.text.find_first_of(". "));
}

/// Whether threads meet in this function or in one that it calls.
bool meets(const PtxFunction& function, const ModuleNames& names, std::set<std::string>& seen) {
  if (!seen.insert(function.name).second) return false;
  return std::any_of(function.statements.begin(), function.statements.end(),
                     [&](const PtxStatement& statement) {
                       if (statement.kind != PtxStatement::Kind::instruction) return false;
                       const std::string opcode = opcode_of(statement);
                       if (opcode != "call") return meeting_opcodes().count(opcode) > 0;
                       for (const std::string& token : ptx_tokens(statement.text)) {
                         const auto callee = names.functions.find(token);
                         if (callee != names.functions.end() && meets(*callee->second, names, seen))
                           return true;
                       }
                       return false;
                     });
}

std::string global_variable(const PtxVariable& variable, std::size_t index, std::string& declarations) {
  const std::string number = std::to_string(index);
  const bool has_initial = !variable.initial.empty();
  if (has_initial) {
    declarations += "const unsigned char initial_" + number + "[] = {";
    for (const unsigned char byte : variable.initial) declarations += std::to_string(byte) + ",";
    declarations += "};\n";
  }
  return "{" + quoted(variable.name) + ", " + std::to_string(variable.bytes) + ", " +
         (has_initial ? "initial_" + number : "nullptr") + ", &global_" + number + "}, ";
}

std::string kernel_entry(const PtxFunction& function, bool meets, std::uint32_t local_bytes,
                         std::string& declarations) {
  std::uint32_t offset = 0;
  declarations += "const Parameter parameters_of_" + function.name + "[] = {";
  for (const PtxVariable& parameter : function.parameters) {
    offset = align_up(offset, parameter.align);
    declarations += "{" + std::to_string(offset) + ", " + std::to_string(parameter.bytes) + "}, ";
    offset += static_cast<std::uint32_t>(parameter.bytes);
  }
  declarations += "{0, 0}};\n";
  return "{" + quoted(function.name) + ", " + function_name(function) + ", parameters_of_" + function.name +
         ", " + std::to_string(function.parameters.size()) + ", " + std::to_string(offset) + ", " +
         std::to_string(function.max_threads) + ", " + std::to_string(local_bytes) + ", " +
         (meets ? "true" : "false") + "},\n";
}

}  // namespace

const Translations& instruction_table() {
  static const Translations table = [] {
    Translations all;
    for (const auto add :
         {add_arithmetic, add_bit_operations, add_comparisons, add_conversions, add_control_flow, add_memory,
          add_atomics, add_warp_operations, add_tensor_operations}) {
      add(all);
    }
    return all;
  }();
  return table;
}

std::string function_name(const PtxFunction& function) {
  return (function.is_entry ? "kernel_" : "function_") + function.name;
}

std::string function_signature(const PtxFunction& function) {
  std::string result = "static void " + function_name(function) + "([[maybe_unused]] Thread& t";
  if (function.is_entry) return result + ", [[maybe_unused]] const std::byte* parameters)";
  for (const PtxVariable& each : function.results) result += ", std::byte* n_" + each.name + "_";
  for (const PtxVariable& each : function.parameters) result += ", const std::byte* n_" + each.name + "_";
  return result + ")";
}

std::string translate(const PtxModule& module, std::uint32_t redzone) {
  ModuleNames names;
  names.files = module.files;
  const SharedLayout layout = place_shared(module, redzone, names);
  std::string declarations;
  std::string globals;
  std::size_t global_count = 0;
  for (const PtxVariable& variable : module.variables) {
    if (variable.space == "shared") continue;
    if (variable.is_external) throw PtxError(0, "variable " + variable.name + " is defined in no module");
    names.globals[variable.name] = "global_" + std::to_string(global_count);
    declarations += "u64 global_" + std::to_string(global_count) + ";\n";
    globals += global_variable(variable, global_count++, declarations);
  }
  for (const PtxFunction& function : module.functions) {
    if (function.is_defined) names.functions[function.name] = &function;
  }
  ModuleText text;
  std::string bodies;
  std::string kernels;
  std::size_t kernel_count = 0;
  for (const auto& [name, function] : names.functions) declarations += function_signature(*function) + ";\n";
  for (const auto& [name, function] : names.functions) {
    FunctionWriter writer(*function, names, text);
    bodies += writer.write();
    if (!function->is_entry) continue;
    std::set<std::string> seen;
    kernels += kernel_entry(*function, meets(*function, names, seen), writer.local_bytes(), declarations);
    ++kernel_count;
  }
  std::string sites;
  for (const std::string& site : text.sites) sites += site + ",\n";
  std::string shared;
  for (const auto& [offset, bytes] : layout.variables) {
    shared += "{" + std::to_string(offset) + ", " + std::to_string(bytes) + "}, ";
  }
  // Empty arrays are no C++: each has one entry more than it counts.
  return "#include \"ptx.h\"\nnamespace emulator {\nnamespace {\nconst Allocation no_allocation;\nSite "
         "sites[] = {\n" +
         sites + "{}};\n" + declarations + bodies + "const Kernel kernels[] = {\n" + kernels +
         "{}};\nconst GlobalVariable globals[] = {" + globals +
         "{}};\nconst SharedVariable shared_variables[] = {" + shared +
         "{}};\n}  // namespace\n}  // namespace emulator\n" +
         "extern \"C\" const emulator::Module emulator_module{emulator::kernels, " +
         std::to_string(kernel_count) + ", emulator::globals, " + std::to_string(global_count) +
         ", emulator::shared_variables, " + std::to_string(layout.variables.size()) + ", " +
         std::to_string(layout.bytes) + "};\n";
}

}  // namespace emulator
