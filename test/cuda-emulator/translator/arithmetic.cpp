// Integer and floating-point arithmetic.

#include "translator/function_writer.h"

namespace emulator {
namespace {

/// ftz, sat and relu wrap operands and result.
struct FloatModifiers {
  std::string type;
  std::string rounding;
  bool flush = false;
  bool saturate = false;
  bool relu = false;
};

FloatModifiers take_float_modifiers(Instruction& i, std::string type) {
  FloatModifiers modifiers;
  modifiers.type = std::move(type);
  modifiers.rounding = i.take_one({"rn", "rz", "rm", "rp"});
  modifiers.flush = i.take("ftz");
  modifiers.saturate = i.take("sat");
  modifiers.relu = i.take("relu");
  if (modifiers.rounding.empty()) modifiers.rounding = "rn";
  if (modifiers.rounding != "rn" && !is_float(modifiers.type)) i.fail("halves are rounded to nearest");
  if (modifiers.relu && is_float(modifiers.type)) i.fail("relu is for halves");
  return modifiers;
}

std::string read_float(Instruction& i, FunctionWriter& w, std::size_t operand,
                       const FloatModifiers& modifiers) {
  const std::string value = w.read(i.operand(operand), modifiers.type);
  return modifiers.flush ? "flush(" + value + ")" : value;
}

std::string write_float(Instruction& i, FunctionWriter& w, const FloatModifiers& modifiers,
                        std::string value) {
  if (modifiers.flush) value = "flush(" + value + ")";
  if (modifiers.saturate) value = "saturate(" + value + ")";
  if (modifiers.relu) value = "relu(" + value + ")";
  return w.write(i.operand(0), value);
}

std::string float_call(Instruction& i, FunctionWriter& w, const std::string& function,
                       const std::string& type, int count) {
  const FloatModifiers modifiers = take_float_modifiers(i, type);
  std::string call = function;
  if (modifiers.rounding != "rn") {
    if (type == "f64" && function != "add" && function != "sub" && function != "mul")
      i.fail("rounding of f64");
    call += "<Rounding::" + modifiers.rounding + ">";
  }
  call += "(";
  for (int operand = 1; operand <= count; ++operand) {
    call += (operand > 1 ? ", " : "") + read_float(i, w, static_cast<std::size_t>(operand), modifiers);
  }
  return write_float(i, w, modifiers, call + ")");
}

bool is_floating(const std::string& type) { return is_float(type) || is_half(type) || is_pair(type); }

std::string integer_call(Instruction& i, FunctionWriter& w, const std::string& function,
                         const std::string& type) {
  if (type_bytes(type) < 2) i.fail("type ." + type);
  return w.write(i.operand(0), function + "<" + cpp_type(type) + ">(" + w.read(i.operand(1), type) + ", " +
                                   w.read(i.operand(2), type) + ")");
}

std::string wide_type(const std::string& type) { return type[0] + std::to_string(16 * type_bytes(type)); }

/// add and sub, with the condition code and saturation of integers.
Translation sum(const std::string& function) {
  return [function](Instruction& i, FunctionWriter& w) {
    const std::string type = i.take_type();
    if (is_floating(type)) return float_call(i, w, function, type, 2);
    const bool sets_carry = i.take("cc");
    if (i.take("sat")) {
      if (type != "s32") i.fail("sat is for s32");
      return w.write(i.operand(0), function + "_sat(" + w.read(i.operand(1), type) + ", " +
                                       w.read(i.operand(2), type) + ")");
    }
    if (!sets_carry) return integer_call(i, w, function, type);
    return w.write(i.operand(0), function + "_cc<" + cpp_type(type) + ">(" + w.read(i.operand(1), type) +
                                     ", " + w.read(i.operand(2), type) + ", false, carry)");
  };
}

/// addc and subc.
Translation sum_with_carry(const std::string& function) {
  return [function](Instruction& i, FunctionWriter& w) {
    const std::string type = i.take_type();
    const std::string to = i.take("cc") ? "carry" : "ignored";
    return "bool carry_in = carry; [[maybe_unused]] bool ignored = false; " +
           w.write(i.operand(0), function + "_cc<" + cpp_type(type) + ">(" + w.read(i.operand(1), type) +
                                     ", " + w.read(i.operand(2), type) + ", carry_in, " + to + ")");
  };
}

std::string multiply(Instruction& i, FunctionWriter& w) {
  const std::string type = i.take_type();
  if (is_floating(type)) return float_call(i, w, "mul", type, 2);
  const std::string part = i.take_one({"lo", "hi", "wide"});
  if (part.empty()) i.fail("lo, hi or wide is missing");
  return integer_call(i, w, "mul_" + part, type);
}

std::string multiply_add(Instruction& i, FunctionWriter& w) {
  const std::string type = i.take_type();
  if (is_floating(type)) return float_call(i, w, "fma", type, 3);
  const std::string part = i.take_one({"lo", "hi", "wide"});
  if (part.empty()) i.fail("lo, hi or wide is missing");
  const std::string result = part == "wide" ? wide_type(type) : type;
  return w.write(i.operand(0), "add<" + cpp_type(result) + ">(mul_" + part + "<" + cpp_type(type) + ">(" +
                                   w.read(i.operand(1), type) + ", " + w.read(i.operand(2), type) + "), " +
                                   w.read(i.operand(3), result) + ")");
}

std::string divide(Instruction& i, FunctionWriter& w) {
  const std::string type = i.take_type();
  if (!is_floating(type)) return integer_call(i, w, "div", type);
  i.take_one({"approx", "full"});
  return float_call(i, w, "div", type, 2);
}

Translation minimum(const std::string& which) {
  return [which](Instruction& i, FunctionWriter& w) {
    const std::string type = i.take_type();
    if (!is_floating(type)) {
      if (i.take("relu")) i.fail("relu of integers");
      return integer_call(i, w, which, type);
    }
    const bool propagates = i.take("NaN");
    return float_call(i, w, "float_" + which + (propagates ? "<true>" : "<false>"), type, 2);
  };
}

Translation unary(const std::string& function) {
  return [function](Instruction& i, FunctionWriter& w) {
    const std::string type = i.take_type();
    i.take("approx");
    if (is_floating(type)) return float_call(i, w, function, type, 1);
    return w.write(i.operand(0), function + "<" + cpp_type(type) + ">(" + w.read(i.operand(1), type) + ")");
  };
}

std::string remainder(Instruction& i, FunctionWriter& w) { return integer_call(i, w, "rem", i.take_type()); }

std::string fused(Instruction& i, FunctionWriter& w) { return float_call(i, w, "fma", i.take_type(), 3); }

std::string copy_sign(Instruction& i, FunctionWriter& w) {
  return float_call(i, w, "copysign", i.take_type(), 2);
}

std::string absolute_differences(Instruction& i, FunctionWriter& w) {
  const std::string type = i.take_type();
  if (type != "s32" && type != "u32") i.fail("type ." + type);
  return w.write(i.operand(0), "add<u32>(sad_term<" + type + ">(" + w.read(i.operand(1), type) + ", " +
                                   w.read(i.operand(2), type) + "), " + w.read(i.operand(3), "u32") + ")");
}

std::string dot_of_bytes(Instruction& i, FunctionWriter& w) {
  const std::string b = i.take_type();
  const std::string a = i.take_type();
  const auto byte = [&i](const std::string& type) {
    if (type != "u32" && type != "s32") i.fail("type ." + type);
    return std::string(type == "u32" ? "u8" : "s8");
  };
  return w.write(i.operand(0), "dp4a<" + byte(a) + ", " + byte(b) + ">(" + w.read(i.operand(1), "u32") +
                                   ", " + w.read(i.operand(2), "u32") + ", " + w.read(i.operand(3), "u32") +
                                   ")");
}

}  // namespace

void add_arithmetic(Translations& table) {
  table["add"] = sum("add");
  table["sub"] = sum("sub");
  table["addc"] = sum_with_carry("add");
  table["subc"] = sum_with_carry("sub");
  table["mul"] = multiply;
  table["mad"] = multiply_add;
  table["fma"] = fused;
  table["div"] = divide;
  table["rem"] = remainder;
  table["min"] = minimum("min");
  table["max"] = minimum("max");
  for (const char* function : {"abs", "neg", "rcp", "sqrt", "rsqrt", "sin", "cos", "lg2", "ex2", "tanh"}) {
    table[function] = unary(function);
  }
  table["copysign"] = copy_sign;
  table["sad"] = absolute_differences;
  table["dp4a"] = dot_of_bytes;
}

}  // namespace emulator
