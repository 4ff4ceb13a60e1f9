// atom and red.

#include "translator/function_writer.h"

namespace emulator {
namespace {

std::string type_of_values(Instruction& i, const std::string& operation, const std::string& type) {
  const bool is_floating = is_float(type) || is_half(type) || is_pair(type);
  if (is_floating && operation != "add" && operation != "exch" && operation != "min" && operation != "max") {
    i.fail("floating-point values");
  }
  if (type_bytes(type) == 0) i.fail("type ." + type);
  return cpp_type(type);
}

Translation atomic(bool returns) {
  return [returns](Instruction& i, FunctionWriter& w) {
    const std::string type = i.take_type();
    const std::string operation =
        i.take_one({"add", "min", "max", "inc", "dec", "cas", "exch", "and", "or", "xor"});
    std::string space = i.take_one({"global", "shared::cta", "shared"});
    if (space == "shared::cta") space = "shared";
    i.take_memory_hints();
    if (operation.empty()) i.fail("the operation is not known here");
    const std::size_t first = returns ? 1 : 0;
    std::string call = "atomic_" + operation + "<" + type_of_values(i, operation, type) + ">(" +
                       w.pointer(i.operand(first), space, type_bytes(type)) + ", " +
                       w.read(i.operand(first + 1), type);
    if (operation == "cas") call += ", " + w.read(i.operand(first + 2), type);
    call += ")";
    return returns ? w.write(i.operand(0), call) : call + ";";
  };
}

}  // namespace

void add_atomics(Translations& table) {
  table["atom"] = atomic(true);
  table["red"] = atomic(false);
}

}  // namespace emulator
