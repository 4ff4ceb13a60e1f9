// Branches, calls, and the ends of threads.

#include "translator/function_writer.h"
#include "translator/translate.h"

namespace emulator {
namespace {

std::string branch(Instruction& i, FunctionWriter& w) {
  i.take("uni");
  return "goto " + w.label(i.operand(0)) + ";";
}

std::string indexed_branch(Instruction& i, FunctionWriter& w) {
  i.take("idx");
  i.take("uni");
  const std::vector<std::string>& targets = w.targets(i.operand(1));
  std::string code = "switch (" + w.read(i.operand(0), "u32") + ") {";
  for (std::size_t target = 0; target < targets.size(); ++target) {
    code += " case " + std::to_string(target) + ": goto " + w.label(targets[target]) + ";";
  }
  return code + " default: EMULATOR_FAULT(t, " + w.site() +
         ", illegal_instruction, \"the index is past the table\"); }";
}

/// `call (result), function, (a, b);`: parameters are byte arrays of the scope around it.
std::string call(Instruction& i, FunctionWriter& w) {
  i.take("uni");
  std::size_t next = 0;
  const auto list = [&](std::size_t operand) {
    const std::string& text = i.operand(operand);
    return split_operands(text.substr(1, text.size() - 2));
  };
  std::vector<std::string> arguments;
  if (i.operand(next)[0] == '(') arguments = list(next++);
  const std::string name = i.operand(next++);
  const PtxFunction& function = w.callee(name);
  if (arguments.size() != function.results.size()) i.fail("the number of results");
  if (next < i.operands()) {
    for (std::string& each : list(next)) arguments.push_back(std::move(each));
  }
  if (arguments.size() != function.results.size() + function.parameters.size())
    i.fail("the number of parameters");
  std::string code = function_name(function) + "(t";
  for (const std::string& argument : arguments) code += ", " + w.parameter_array(argument);
  return code + ");";
}

std::string leave(Instruction& i, FunctionWriter&) {
  i.take("uni");
  return "return;";
}

std::string exit_thread(Instruction& i, FunctionWriter& w) {
  if (!w.is_entry()) i.fail("exit within a function");
  return "return;";
}

std::string trap(Instruction&, FunctionWriter& w) {
  return "EMULATOR_FAULT(t, " + w.site() + ", illegal_instruction, \"the kernel gave up\");";
}

std::string nothing(Instruction& i, FunctionWriter&) {
  i.take("u32");
  return "";
}

}  // namespace

void add_control_flow(Translations& table) {
  table["bra"] = branch;
  table["brx"] = indexed_branch;
  table["call"] = call;
  table["ret"] = leave;
  table["exit"] = exit_thread;
  table["trap"] = trap;
  table["nanosleep"] = nothing;
}

}  // namespace emulator
