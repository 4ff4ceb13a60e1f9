// Operands of instructions as C++ expressions.

#include <cctype>
#include <cstdlib>

#include "translator/function_writer.h"

namespace emulator {
namespace {

/// Special registers are 32-bit but for the clocks.
const std::map<std::string, std::string>& special_registers() {
  static const std::map<std::string, std::string> table = [] {
    std::map<std::string, std::string> names = {
        {"%laneid", "t.lane"},
        {"%warpid", "t.warp"},
        {"%nwarpid", "32u"},
        {"%smid", "0u"},
        {"%nsmid", "1u"},
        {"%gridid", "u64{0}"},
        {"%lanemask_eq", "(1u << t.lane)"},
        {"%lanemask_lt", "((1u << t.lane) - 1u)"},
        {"%lanemask_le", "(0xffffffffu >> (31u - t.lane))"},
        {"%lanemask_gt", "~(0xffffffffu >> (31u - t.lane))"},
        {"%lanemask_ge", "~((1u << t.lane) - 1u)"},
        {"%dynamic_smem_size", "t.block->dynamic_shared_bytes"},
        {"%total_smem_size", "t.block->shared_bytes"},
        // Time is counted, not measured: a program does the same each time.
        {"%clock", "static_cast<u32>(t.block->clock += 32)"},
        {"%clock64", "(t.block->clock += 32)"},
        {"%globaltimer", "(t.block->clock += 32)"},
        {"WARP_SZ", "32u"},
    };
    const char* const of_block[][2] = {{"%ntid", "threads"}, {"%ctaid", "block"}, {"%nctaid", "blocks"}};
    for (int axis = 0; axis < 3; ++axis) {
      const std::string suffix = std::string(".") + "xyz"[axis];
      const std::string index = "[" + std::to_string(axis) + "]";
      names["%tid" + suffix] = "t.thread" + index;
      for (const auto& [name, field] : of_block)
        names[name + suffix] = std::string("t.block->") + field + index;
    }
    return names;
  }();
  return table;
}

bool is_number(const std::string& text) {
  return !text.empty() &&
         (std::isdigit(static_cast<unsigned char>(text[0])) != 0 || (text[0] == '-' && text.size() > 1));
}

bool is_integer(const std::string& cpp) { return cpp[0] == 'u' || cpp[0] == 's'; }

/// `as<to>(value)`, which for integers is a plain cast: the compiler has much less to do then. A signed value
/// is no such case, as its bits are extended by zeros.
std::string converted(const std::string& value, const std::string& from, const std::string& to) {
  if (from == to) return value;
  return (from[0] == 'u' && is_integer(to) ? to : "as<" + to + ">") + "(" + value + ")";
}

}  // namespace

std::string held_type(const std::string& type) {
  if (type == "pred") return "bool";
  return is_half(type) ? "u16" : is_pair(type) ? "u32" : cpp_type(type);
}

std::string cpp_type(const std::string& type) {
  if (type.size() > 1 && type[0] == 'b' && std::isdigit(static_cast<unsigned char>(type[1])) != 0)
    return "u" + type.substr(1);
  return type_bytes(type) > 0 ? type : "";
}
bool is_half(const std::string& type) { return type == "f16" || type == "bf16"; }
bool is_pair(const std::string& type) { return type == "f16x2" || type == "bf16x2"; }
bool is_float(const std::string& type) { return type == "f32" || type == "f64"; }

std::string FunctionWriter::immediate(const std::string& operand, const std::string& type) const {
  if (!is_number(operand)) return "";
  const std::string to = "as<" + cpp_type(type) + ">(";
  if (operand.size() == 10 && (operand[1] == 'f' || operand[1] == 'F'))
    return to + "0x" + operand.substr(2) + "u)";
  if (operand.size() == 18 && (operand[1] == 'd' || operand[1] == 'D'))
    return to + "u64{0x" + operand.substr(2) + "u})";
  const bool is_hexadecimal = operand.find_first_of("xX") != std::string::npos;
  if (!is_hexadecimal && operand.find_first_of(".eE") != std::string::npos) {
    if (!is_float(type)) fail("operand " + operand);
    return "static_cast<" + type + ">(" + operand + ")";
  }
  std::string digits = operand;
  if (digits.back() == 'U' || digits.back() == 'u') digits.pop_back();
  const bool negative = digits[0] == '-';
  char* end = nullptr;
  const unsigned long long value = std::strtoull(digits.c_str() + (negative ? 1 : 0), &end, 0);
  if (*end != '\0') fail("operand " + operand);
  // An integer for a floating-point type is its bits: immediates of that type are written 0f… or with a
  // point.
  const std::string sign = negative ? "-" : "";
  return converted("u64{" + sign + std::to_string(value) + "ull}", "u64", cpp_type(type));
}

std::string FunctionWriter::read(const std::string& operand, const std::string& type) {
  if (type == "pred") {
    if (operand[0] == '!') return "!" + predicate(operand.substr(1));
    if (operand == "1" || operand == "0") return operand == "1" ? "true" : "false";
  }
  const Name* name = find(operand);
  if (name != nullptr && name->kind == Name::Kind::reg) {
    if ((type == "pred") != (name->type == "pred")) fail("operand " + operand + " is a ." + name->type);
    return converted(name->text, held_type(name->type), held_type(type) == "bool" ? "bool" : cpp_type(type));
  }
  if (type == "pred") fail("operand " + operand);
  const std::string to = "as<" + cpp_type(type) + ">(";
  if (name != nullptr) return to + "address_of(" + name->text + "))";
  const auto special = special_registers().find(operand);
  if (special != special_registers().end()) return to + special->second + ")";
  if (const std::uint32_t* offset = names_.shared.find(function_, operand); offset != nullptr)
    return to + std::to_string(*offset) + "u)";
  if (names_.shared.is_dynamic(operand)) return to + "t.block->dynamic_shared_offset)";
  const auto global = names_.globals.find(operand);
  if (global != names_.globals.end()) return to + global->second + ")";
  const std::string value = immediate(operand, type);
  if (value.empty()) fail("operand " + operand);
  return value;
}

bool FunctionWriter::is_predicate(const std::string& operand) const {
  const Name* name = find(operand[0] == '!' ? operand.substr(1) : operand);
  return name != nullptr && name->type == "pred";
}

std::string FunctionWriter::write(const std::string& operand, const std::string& expression) {
  if (operand == "_") return "(void)(" + expression + ");";
  const Name* name = find(operand);
  if (name == nullptr || name->kind != Name::Kind::reg) fail("result operand " + operand);
  return "set(" + name->text + ", " + expression + ");";
}

FunctionWriter::Address FunctionWriter::split_address(const std::string& operand) const {
  if (operand.size() < 3 || operand.front() != '[' || operand.back() != ']') fail("address " + operand);
  std::string inner;
  for (const char c : operand.substr(1, operand.size() - 2)) {
    if (c != ' ') inner += c;
  }
  const std::size_t sign = inner.find_first_of("+-", 1);
  if (sign == std::string::npos) return {inner, "0"};
  // "%rd1+-8" is how nvcc writes a negative offset.
  const std::string offset = inner.substr(inner[sign] == '+' ? sign + 1 : sign);
  char* end = nullptr;
  const long long value = std::strtoll(offset.c_str(), &end, 0);
  if (*end != '\0') fail("address " + operand);
  return {inner.substr(0, sign), std::to_string(value)};
}

std::string FunctionWriter::address(const std::string& operand, const std::string& space) {
  const Address at = split_address(operand);
  const Name* name = find(at.base);
  const bool names_memory = name != nullptr && name->kind != Name::Kind::reg;
  if (names_memory && (space == "param") != (name->kind == Name::Kind::param))
    fail("address " + operand + " in ." + space);
  const std::string type = space == "shared" ? "u32" : "u64";
  const std::string base = read(at.base, type);
  return at.offset == "0" ? base : "(" + base + " + static_cast<" + type + ">(" + at.offset + "ll))";
}

std::string FunctionWriter::pointer(const std::string& operand, const std::string& space,
                                    std::uint32_t bytes) {
  const char* const function = space == "shared"                       ? "shared"
                               : space == "global" || space == "const" ? "global"
                               : space == "local" || space == "param"  ? "local"
                                                                       : "generic";
  if (space == "param") {
    const Address at = split_address(operand);
    const Name* name = find(at.base);
    // The offset is known, so there is nothing to check.
    if (name != nullptr && name->kind == Name::Kind::param) {
      return "const_cast<std::byte*>(" + name->text + " + " + at.offset + ")";
    }
  }
  return std::string(function) + "(t, " + site() + ", " + address(operand, space) + ", " +
         std::to_string(bytes) + ")";
}

std::vector<std::string> FunctionWriter::parts(const std::string& operand) {
  if (operand.front() != '{') return {operand};
  return split_operands(operand.substr(1, operand.size() - 2));
}

}  // namespace emulator
