// cvt, mov and cvta.

#include "translator/function_writer.h"

namespace emulator {
namespace {

bool is_floating(const std::string& type) { return is_float(type) || is_half(type); }

std::string convert_pair(Instruction& i, FunctionWriter& w, const std::string& to) {
  const std::string rounding = i.take_one({"rn", "rz"});
  const bool relu = i.take("relu");
  if (rounding.empty() || i.operands() != 3) i.fail("the form is not known");
  const std::string value = "floats_to_pair<" + to + ", Rounding::" + rounding + ">(" +
                            w.read(i.operand(1), "f32") + ", " + w.read(i.operand(2), "f32") + ")";
  return w.write(i.operand(0), relu ? "relu(" + value + ")" : value);
}

std::string convert_float(Instruction& i, FunctionWriter& w, const std::string& to, const std::string& from,
                          std::string value) {
  const std::string integral = i.take_one({"rni", "rzi", "rmi", "rpi"});
  const std::string rounding = i.take_one({"rn", "rz", "rm", "rp"});
  const bool flush = i.take("ftz");
  const bool saturate = i.take("sat");
  const bool relu = i.take("relu");
  if (flush) value = "flush(" + value + ")";
  if (!is_floating(to)) {
    if (integral.empty()) i.fail("how to round is missing");
    return w.write(i.operand(0),
                   "float_to_integer<" + cpp_type(to) + ", ToInteger::" + integral + ">(" + value + ")");
  }
  if (!integral.empty()) {
    if (to != from) i.fail("rounding to an integral value keeps the type");
    value = "round_integral<ToInteger::" + integral + ">(" + value + ")";
  } else if (to != from) {
    value =
        "float_to_float<" + to + ", Rounding::" + (rounding.empty() ? "rn" : rounding) + ">(" + value + ")";
  }
  if (flush) value = "flush(" + value + ")";
  if (saturate) value = "saturate(" + value + ")";
  if (relu) value = "relu(" + value + ")";
  return w.write(i.operand(0), value);
}

std::string convert(Instruction& i, FunctionWriter& w) {
  const std::string from = i.take_type();
  const std::string to = i.take_type();
  if (is_pair(to) && from == "f32") return convert_pair(i, w, to);
  if (to == "tf32" && from == "f32") {
    const std::string rounding = i.take_one({"rna", "rn", "rz"});
    if (rounding.empty()) i.fail("how to round is missing");
    return w.write(i.operand(0), "to_tf32(" + w.read(i.operand(1), "f32") + ", Rounding::" + rounding + ")");
  }
  if (type_bytes(from) == 0 || type_bytes(to) == 0 || is_pair(from) || is_pair(to))
    i.fail("the types are not known here");
  const std::string value = w.read(i.operand(1), from);
  if (is_floating(from)) return convert_float(i, w, to, from, value);
  if (is_floating(to)) {
    const std::string rounding = i.take_one({"rn", "rz", "rm", "rp"});
    if (rounding.empty()) i.fail("how to round is missing");
    std::string result = "integer_to_float<" + to + ", Rounding::" + rounding + ">(" + value + ")";
    return w.write(i.operand(0), i.take("sat") ? "saturate(" + result + ")" : result);
  }
  const std::string function = i.take("sat") ? "integer_saturate" : "static_cast";
  return w.write(i.operand(0), function + "<" + cpp_type(to) + ">(" + value + ")");
}

/// Also packs `{a, b}` into a register and unpacks one.
std::string move(Instruction& i, FunctionWriter& w) {
  const std::string type = i.take_type();
  const std::string& to = i.operand(0);
  const std::string& from = i.operand(1);
  if (to[0] != '{' && from[0] != '{') return w.write(to, w.read(from, type));
  const std::vector<std::string> parts = FunctionWriter::parts(to[0] == '{' ? to : from);
  const std::uint32_t bits = 8 * type_bytes(type) / static_cast<std::uint32_t>(parts.size());
  const std::string part_type = "u" + std::to_string(bits);
  const std::string whole_type = "b" + std::to_string(8 * type_bytes(type));
  if (to[0] == '{') {
    std::string code = "const u64 whole = " + w.read(from, whole_type) + "; ";
    for (std::size_t p = 0; p < parts.size(); ++p) {
      code += w.write(parts[p], "static_cast<" + part_type + ">(whole >> " + std::to_string(p * bits) + ")") +
              " ";
    }
    return code;
  }
  std::string value;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    value += (p > 0 ? " | " : "") + std::string("u64{") + w.read(parts[p], part_type) + "} << " +
             std::to_string(p * bits);
  }
  return w.write(to, "static_cast<" + cpp_type(whole_type) + ">(" + value + ")");
}

/// Shared memory has a window in the generic address space; everything else is at its own address.
std::string convert_address(Instruction& i, FunctionWriter& w) {
  const std::string type = i.take_type();
  const bool to_space = i.take("to");
  const std::string space = i.take_one({"global", "shared", "local", "const", "param"});
  i.take("cta");
  if (space.empty() || type_bytes(type) == 0) i.fail("the form is not known");
  const std::string value = w.read(i.operand(1), "u64");
  if (space != "shared") return w.write(i.operand(0), value);
  return w.write(i.operand(0),
                 to_space ? "u64{" + value + " - kSharedWindow}" : "u64{" + value + " + kSharedWindow}");
}

}  // namespace

void add_conversions(Translations& table) {
  table["cvt"] = convert;
  table["mov"] = move;
  table["cvta"] = convert_address;
}

}  // namespace emulator
