// setp, set, selp, slct and testp.

#include "translator/function_writer.h"

namespace emulator {
namespace {

std::string take_comparison(Instruction& i, const std::string& type) {
  std::string comparison = i.take_first();
  static const std::map<std::string, std::string> unsigned_names = {
      {"lo", "lt"}, {"ls", "le"}, {"hi", "gt"}, {"hs", "ge"}};
  const auto renamed = unsigned_names.find(comparison);
  if (renamed != unsigned_names.end()) {
    if (type[0] != 'u' && type[0] != 'b') i.fail("." + comparison + " is for unsigned types");
    return renamed->second;
  }
  static const char* const known[] = {"eq",  "ne",  "lt",  "le",  "gt",  "ge",  "equ",
                                      "neu", "ltu", "leu", "gtu", "geu", "num", "nan"};
  for (const char* each : known) {
    if (comparison == each) return comparison;
  }
  i.fail("comparison ." + comparison);
}

std::string combine(const std::string& operation, const std::string& compared, const std::string& with) {
  const std::string symbol = operation == "and" ? "&" : operation == "or" ? "|" : "^";
  return "bool(" + compared + " " + symbol + " " + with + ")";
}

std::string set_predicate(Instruction& i, FunctionWriter& w) {
  const std::string type = i.take_type();
  const std::string comparison = take_comparison(i, type);
  const bool flush = i.take("ftz");
  const std::string operation = i.take_one({"and", "or", "xor"});
  if (is_pair(type)) i.fail("pairs are not known here");
  const auto read = [&](std::size_t operand) {
    const std::string value = w.read(i.operand(operand), type);
    return flush ? "flush(" + value + ")" : value;
  };
  const std::string& targets = i.operand(0);
  const std::size_t bar = targets.find('|');
  std::string first = "compared";
  std::string second = "!compared";
  if (!operation.empty()) {
    const std::string with = w.predicate(i.operand(3));
    first = combine(operation, first, with);
    second = combine(operation, second, with);
  }
  std::string code = "const bool compared = compare_" + comparison + "<" + cpp_type(type) + ">(" + read(1) +
                     ", " + read(2) + "); ";
  if (bar == std::string::npos) return code + w.write(targets, first);
  // Both results are of the old values.
  return code + "const bool other = " + second + "; " + w.write(targets.substr(0, bar), first) + " " +
         w.write(targets.substr(bar + 1), "other");
}

/// All ones or 1.0 where the comparison holds.
std::string set_register(Instruction& i, FunctionWriter& w) {
  const std::string type = i.take_type();
  const std::string result = i.take_type();
  const std::string comparison = take_comparison(i, type);
  const bool flush = i.take("ftz");
  const std::string operation = i.take_one({"and", "or", "xor"});
  const auto read = [&](std::size_t operand) {
    const std::string value = w.read(i.operand(operand), type);
    return flush ? "flush(" + value + ")" : value;
  };
  const auto compare = [&](const std::string& a, const std::string& b) {
    const std::string scalar = is_pair(type) ? type.substr(0, type.size() - 2) : cpp_type(type);
    std::string compared = "compare_" + comparison + "<" + scalar + ">(" + a + ", " + b + ")";
    return operation.empty() ? compared : combine(operation, compared, w.predicate(i.operand(3)));
  };
  if (is_pair(type)) {
    const std::string low = compare("low(a)", "low(b)");
    const std::string high = compare("high(a)", "high(b)");
    const std::string code = "const auto a = " + read(1) + "; const auto b = " + read(2) + "; ";
    if (result == "u32")
      return code +
             w.write(i.operand(0), "u32((" + high + " ? 0xffff0000u : 0u) | (" + low + " ? 0xffffu : 0u))");
    const std::string one = type == "f16x2" ? "0x3c00" : "0x3f80";
    return code + w.write(i.operand(0),
                          "u32((" + high + " ? " + one + "0000u : 0u) | (" + low + " ? " + one + "u : 0u))");
  }
  const std::string compared = compare(read(1), read(2));
  if (result == "f32") return w.write(i.operand(0), "(" + compared + " ? 1.0f : 0.0f)");
  if (result == "u32" || result == "s32")
    return w.write(i.operand(0), "(" + compared + " ? 0xffffffffu : 0u)");
  if (result == "u16" || result == "s16")
    return w.write(i.operand(0), "u16(" + compared + " ? 0xffffu : 0u)");
  i.fail("result type ." + result);
}

std::string select(Instruction& i, FunctionWriter& w) {
  const std::string type = i.take_type();
  return w.write(i.operand(0), "(" + w.predicate(i.operand(3)) + " ? " + w.read(i.operand(1), type) + " : " +
                                   w.read(i.operand(2), type) + ")");
}

std::string select_by_sign(Instruction& i, FunctionWriter& w) {
  const std::string by = i.take_type();
  const std::string type = i.take_type();
  const bool flush = i.take("ftz");
  if (by != "s32" && by != "f32") i.fail("type ." + by);
  const std::string sign = w.read(i.operand(3), by);
  return w.write(i.operand(0), "((" + (flush ? "flush(" + sign + ")" : sign) + " >= 0) ? " +
                                   w.read(i.operand(1), type) + " : " + w.read(i.operand(2), type) + ")");
}

std::string test_property(Instruction& i, FunctionWriter& w) {
  const std::string type = i.take_type();
  const std::string property = i.take_first();
  static const std::map<std::string, std::string> tests = {
      {"finite", "std::isfinite(a)"}, {"infinite", "std::isinf(a)"},
      {"number", "a == a"},           {"notanumber", "a != a"},
      {"normal", "std::isnormal(a)"}, {"subnormal", "std::fpclassify(a) == FP_SUBNORMAL"}};
  const auto test = tests.find(property);
  if (test == tests.end() || !is_float(type)) i.fail("property ." + property);
  return "const auto a = " + w.read(i.operand(1), type) + "; " +
         w.write(i.operand(0), "bool(" + test->second + ")");
}

}  // namespace

void add_comparisons(Translations& table) {
  table["setp"] = set_predicate;
  table["set"] = set_register;
  table["selp"] = select;
  table["slct"] = select_by_sign;
  table["testp"] = test_property;
}

}  // namespace emulator
