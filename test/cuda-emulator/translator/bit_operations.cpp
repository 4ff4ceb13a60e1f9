// Logic, shifts, and bits within words.

#include "translator/function_writer.h"

namespace emulator {
namespace {

Translation logic(const std::string& symbol) {
  return [symbol](Instruction& i, FunctionWriter& w) {
    const std::string type = i.take_type();
    const std::string a = w.read(i.operand(1), type);
    const std::string b = w.read(i.operand(2), type);
    const std::string result = type == "pred" ? "bool" : cpp_type(type);
    return w.write(i.operand(0), "static_cast<" + result + ">(" + a + " " + symbol + " " + b + ")");
  };
}

std::string complement(Instruction& i, FunctionWriter& w) {
  const std::string type = i.take_type();
  const std::string a = w.read(i.operand(1), type);
  return w.write(i.operand(0), type == "pred" ? "!" + a : "static_cast<" + cpp_type(type) + ">(~" + a + ")");
}

std::string logical_complement(Instruction& i, FunctionWriter& w) {
  const std::string type = cpp_type(i.take_type());
  return w.write(i.operand(0), "static_cast<" + type + ">(" + w.read(i.operand(1), type) + " == 0)");
}

Translation shift(const std::string& function) {
  return [function](Instruction& i, FunctionWriter& w) {
    const std::string type = i.take_type();
    return w.write(i.operand(0), function + "<" + cpp_type(type) + ">(" + w.read(i.operand(1), type) + ", " +
                                     w.read(i.operand(2), "u32") + ")");
  };
}

std::string funnel_shift(Instruction& i, FunctionWriter& w) {
  const std::string direction = i.take_one({"l", "r"});
  const std::string mode = i.take_one({"wrap", "clamp"});
  if (i.take_type() != "b32" || direction.empty() || mode.empty()) i.fail("the form is not known");
  return w.write(i.operand(0), "shf_" + direction + "(" + w.read(i.operand(1), "u32") + ", " +
                                   w.read(i.operand(2), "u32") + ", shf_" + mode + "(" +
                                   w.read(i.operand(3), "u32") + "))");
}

/// A function of one word.
Translation count(const std::string& function, const std::string& more = "") {
  return [function, more](Instruction& i, FunctionWriter& w) {
    const std::string type = cpp_type(i.take_type());
    const std::string last = more.empty() ? "" : i.take(more) ? ", true" : ", false";
    const std::string argument = function == "clz" ? "(" : "<" + type + ">(";
    return w.write(i.operand(0), function + argument + w.read(i.operand(1), type) + last + ")");
  };
}

std::string extract(Instruction& i, FunctionWriter& w) {
  const std::string type = i.take_type();
  return w.write(i.operand(0), "bfe<" + cpp_type(type) + ">(" + w.read(i.operand(1), type) + ", " +
                                   w.read(i.operand(2), "u32") + ", " + w.read(i.operand(3), "u32") + ")");
}

std::string insert(Instruction& i, FunctionWriter& w) {
  const std::string type = i.take_type();
  return w.write(i.operand(0), "bfi<" + cpp_type(type) + ">(" + w.read(i.operand(1), type) + ", " +
                                   w.read(i.operand(2), type) + ", " + w.read(i.operand(3), "u32") + ", " +
                                   w.read(i.operand(4), "u32") + ")");
}

std::string three_words(Instruction& i, FunctionWriter& w, const std::string& function,
                        const std::string& last) {
  return w.write(i.operand(0), function + "(" + w.read(i.operand(1), "u32") + ", " +
                                   w.read(i.operand(2), "u32") + ", " + w.read(i.operand(3), "u32") + last +
                                   ")");
}

std::string lookup(Instruction& i, FunctionWriter& w) {
  if (i.take_type() != "b32") i.fail("type");
  return three_words(i, w, "lop3", ", " + w.read(i.operand(4), "u32"));
}

std::string permute(Instruction& i, FunctionWriter& w) {
  static const std::map<std::string, std::string> modes = {
      {"f4e", "kF4e"}, {"b4e", "kB4e"}, {"rc8", "kRc8"}, {"ecl", "kEcl"}, {"ecr", "kEcr"}, {"rc16", "kRc16"}};
  const std::string mode = i.take_one({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"});
  if (i.take_type() != "b32") i.fail("type");
  return mode.empty() ? three_words(i, w, "prmt", "") : three_words(i, w, "prmt_mode", ", " + modes.at(mode));
}

}  // namespace

void add_bit_operations(Translations& table) {
  table["and"] = logic("&");
  table["or"] = logic("|");
  table["xor"] = logic("^");
  table["not"] = complement;
  table["cnot"] = logical_complement;
  table["shl"] = shift("shl");
  table["shr"] = shift("shr");
  table["shf"] = funnel_shift;
  table["popc"] = count("popc");
  table["clz"] = count("clz");
  table["brev"] = count("brev");
  table["bfind"] = count("bfind", "shiftamt");
  table["bfe"] = extract;
  table["bfi"] = insert;
  table["lop3"] = lookup;
  table["prmt"] = permute;
}

}  // namespace emulator
