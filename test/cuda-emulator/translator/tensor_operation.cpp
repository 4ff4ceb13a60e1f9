// mma, ldmatrix and movmatrix.

#include "translator/function_writer.h"

namespace emulator {
namespace {

struct Form {
  const char* shape;
  const char* types;  // d.a.b.c
  int k;
};

/// The forms of sm_80 with row-major A and column-major B.
constexpr Form kForms[] = {
    {"m16n8k16", "f32.bf16.bf16.f32", 16}, {"m16n8k16", "f32.f16.f16.f32", 16},
    {"m16n8k16", "f16.f16.f16.f16", 16},   {"m16n8k8", "f32.bf16.bf16.f32", 8},
    {"m16n8k8", "f32.f16.f16.f32", 8},     {"m16n8k8", "f16.f16.f16.f16", 8},
    {"m16n8k8", "f32.tf32.tf32.f32", 8},   {"m16n8k4", "f32.tf32.tf32.f32", 4},
    {"m16n8k32", "s32.s8.s8.s32", 32},     {"m16n8k32", "s32.u8.u8.s32", 32},
    {"m16n8k32", "s32.u8.s8.s32", 32},     {"m16n8k32", "s32.s8.u8.s32", 32},
    {"m16n8k16", "s32.s8.s8.s32", 16},     {"m16n8k16", "s32.u8.u8.s32", 16},
};

const Form* find_form(const std::string& shape, const std::string& types) {
  for (const Form& form : kForms) {
    if (shape == form.shape && types == form.types) return &form;
  }
  return nullptr;
}

std::string multiply(Instruction& i, FunctionWriter& w) {
  const std::string c = i.take_type();
  const std::string b = i.take_type();
  const std::string a = i.take_type();
  const std::string d = i.take_type();
  const std::string shape = i.take_one({"m16n8k4", "m16n8k8", "m16n8k16", "m16n8k32"});
  const bool known = i.take("sync") && i.take("aligned") && i.take("row") && i.take("col");
  const Form* form = find_form(shape, d + "." + a + "." + b + "." + c);
  if (!known || form == nullptr) i.fail("the form is not known");
  const bool half_sums = c == "f16";
  const std::string sum = c == "s32" ? "s32" : "f32";
  std::string code =
      "MatrixOperands<" + a + ", " + b + ", " + sum + ", " + std::to_string(form->k) + "> operands; ";
  const auto fill = [&](std::size_t operand, const std::string& field) {
    const std::vector<std::string> parts = FunctionWriter::parts(i.operand(operand));
    code += "static_assert(sizeof operands." + field + " == " + std::to_string(4 * parts.size()) + "); ";
    for (std::size_t p = 0; p < parts.size(); ++p) {
      code += "operands." + field + "[" + std::to_string(p) +
              "] = " + w.read(parts[p], field == "c" ? sum : "u32") + "; ";
    }
  };
  fill(1, "a");
  fill(2, "b");
  const std::vector<std::string> to = FunctionWriter::parts(i.operand(0));
  if (half_sums) {
    const std::vector<std::string> from = FunctionWriter::parts(i.operand(3));
    if (from.size() != 2 || to.size() != 2) i.fail("the number of registers");
    code += "unpack_sums(operands.c, " + w.read(from[0], "u32") + ", " + w.read(from[1], "u32") + "); ";
  } else {
    if (to.size() != 4) i.fail("the number of registers");
    fill(3, "c");
  }
  code += sum + " d[4]; mma(t, " + w.site() + ", d, operands); ";
  if (half_sums)
    return code + w.write(to[0], "pack_sums(d[0], d[1])") + " " + w.write(to[1], "pack_sums(d[2], d[3])");
  for (std::size_t p = 0; p < 4; ++p) code += w.write(to[p], "d[" + std::to_string(p) + "]") + " ";
  return code;
}

std::string load_matrix(Instruction& i, FunctionWriter& w) {
  const std::string count = i.take_one({"x1", "x2", "x4"});
  const bool known = i.take("sync") && i.take("aligned") && i.take("m8n8") && i.take("b16") &&
                     (i.take("shared") || i.take("shared::cta"));
  if (!known || count.empty()) i.fail("the form is not known");
  const std::string transposed = i.take("trans") ? "true" : "false";
  const std::vector<std::string> to = FunctionWriter::parts(i.operand(0));
  if (std::to_string(to.size()) != count.substr(1)) i.fail("the number of registers");
  const std::string address = w.address(i.operand(1), "shared");
  std::string code = "u32 d[" + count.substr(1) + "]; ldmatrix<" + count.substr(1) + ", " + transposed +
                     ">(t, " + w.site() + ", d, " + address + "); ";
  for (std::size_t p = 0; p < to.size(); ++p) code += w.write(to[p], "d[" + std::to_string(p) + "]") + " ";
  return code;
}

std::string move_matrix(Instruction& i, FunctionWriter& w) {
  if (!(i.take("sync") && i.take("aligned") && i.take("m8n8") && i.take("trans") && i.take("b16"))) {
    i.fail("the form is not known");
  }
  return w.write(i.operand(0), "movmatrix(t, " + w.site() + ", " + w.read(i.operand(1), "u32") + ")");
}

}  // namespace

void add_tensor_operations(Translations& table) {
  table["mma"] = multiply;
  table["ldmatrix"] = load_matrix;
  table["movmatrix"] = move_matrix;
}

}  // namespace emulator
