#include "translator/translate.h"

#include <algorithm>

#include "translator/function_writer.h"

namespace emulator {
namespace {

std::uint32_t align_up(std::uint32_t value, std::uint32_t to) { return (value + to - 1) / to * to; }

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

std::string kernel_entry(const PtxFunction& function, const ModuleNames& names, std::uint32_t local_bytes,
                         std::string& declarations) {
  std::uint32_t offset = 0;
  declarations += "const Parameter parameters_of_" + function.name + "[] = {";
  for (const PtxVariable& parameter : function.parameters) {
    offset = align_up(offset, parameter.align);
    declarations += "{" + std::to_string(offset) + ", " + std::to_string(parameter.bytes) + "}, ";
    offset += static_cast<std::uint32_t>(parameter.bytes);
  }
  // Empty arrays are no C++: each has one entry more than it counts.
  const SharedLayout::OfKernel shared = names.shared.of_kernel(function, names.functions);
  declarations += "{}};\nconst SharedVariable shared_of_" + function.name + "[] = {";
  for (const SharedLayout::Place& place : shared.places) {
    declarations += "{" + std::to_string(place.offset) + ", " + std::to_string(place.bytes) + "}, ";
  }
  declarations += "{}};\n";
  return "{" + quoted(function.name) + ", " + function_name(function) + ", parameters_of_" + function.name +
         ", " + std::to_string(function.parameters.size()) + ", " + std::to_string(offset) + ", " +
         std::to_string(function.max_threads) + ", " + std::to_string(local_bytes) + ", shared_of_" +
         function.name + ", " + std::to_string(shared.places.size()) + ", " +
         std::to_string(shared.packed_bytes) + ", " + std::to_string(shared.end) + ", " +
         (meets(reachable(function, names.functions)) ? "true" : "false") + "},\n";
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
  Functions functions;
  for (const PtxFunction& function : module.functions) {
    if (function.is_defined) functions[function.name] = &function;
  }
  ModuleNames names{SharedLayout(module, functions, redzone), {}, functions, module.files};
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
  ModuleText text;
  std::string bodies;
  std::string kernels;
  std::size_t kernel_count = 0;
  for (const auto& [name, function] : names.functions) declarations += function_signature(*function) + ";\n";
  for (const auto& [name, function] : names.functions) {
    FunctionWriter writer(*function, names, text);
    bodies += writer.write();
    if (!function->is_entry) continue;
    kernels += kernel_entry(*function, names, writer.local_bytes(), declarations);
    ++kernel_count;
  }
  std::string sites;
  for (const std::string& site : text.sites) sites += site + ",\n";
  return "#include \"ptx.h\"\nnamespace emulator {\nnamespace {\nconst Allocation no_allocation;\nSite "
         "sites[] = {\n" +
         sites + "{}};\n" + declarations + bodies + "const Kernel kernels[] = {\n" + kernels +
         "{}};\nconst GlobalVariable globals[] = {" + globals +
         "{}};\n}  // namespace\n}  // namespace emulator\n" +
         "extern \"C\" const emulator::Module emulator_module{emulator::kernels, " +
         std::to_string(kernel_count) + ", emulator::globals, " + std::to_string(global_count) + "};\n";
}

}  // namespace emulator
