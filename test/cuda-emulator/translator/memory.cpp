// Loads, stores, asynchronous copies and fences.

#include "translator/function_writer.h"

namespace emulator {
namespace {

std::string take_space(Instruction& i) {
  const std::string space = i.take_one(
      {"global", "shared::cta", "shared", "local", "const", "param::entry", "param::func", "param"});
  if (space.rfind("shared", 0) == 0) return "shared";
  return space.rfind("param", 0) == 0 ? "param" : space;
}

std::uint32_t take_vector(Instruction& i) {
  const std::string vector = i.take_one({"v2", "v4"});
  return vector.empty() ? 1 : vector == "v2" ? 2 : 4;
}

struct Access {
  std::string space;
  std::string type;
  std::uint32_t count;
  std::uint32_t bytes;  // of one element
};

Access take_access(Instruction& i) {
  Access access;
  access.type = i.take_type();
  access.bytes = type_bytes(access.type);
  access.space = take_space(i);
  access.count = take_vector(i);
  i.take_memory_hints();
  if (access.bytes == 0) i.fail("type ." + access.type);
  return access;
}

std::string load_from(Instruction& i, FunctionWriter& w) {
  const Access access = take_access(i);
  const std::vector<std::string> parts = FunctionWriter::parts(i.operand(0));
  if (parts.size() != access.count) i.fail("the number of registers");
  std::string code =
      "const std::byte* at = " + w.pointer(i.operand(1), access.space, access.bytes * access.count) + "; ";
  // The registers may be part of the address, which is taken before; the values are taken before they are
  // written.
  for (std::size_t p = 0; p < parts.size(); ++p) {
    code += w.write(parts[p],
                    "load<" + cpp_type(access.type) + ">(at + " + std::to_string(p * access.bytes) + ")") +
            " ";
  }
  return code;
}

std::string store_to(Instruction& i, FunctionWriter& w) {
  const Access access = take_access(i);
  const std::vector<std::string> parts = FunctionWriter::parts(i.operand(1));
  if (parts.size() != access.count) i.fail("the number of registers");
  if (access.space == "const") i.fail("constants cannot be written");
  std::string code =
      "std::byte* at = " + w.pointer(i.operand(0), access.space, access.bytes * access.count) + "; ";
  for (std::size_t p = 0; p < parts.size(); ++p) {
    code += "store<" + cpp_type(access.type) + ">(at + " + std::to_string(p * access.bytes) + ", " +
            w.read(parts[p], access.type) + "); ";
  }
  return code;
}

std::string copy_async(Instruction& i, FunctionWriter& w) {
  if (!i.take("async")) i.fail("only cp.async");
  if (i.take("commit_group")) return "commit_copies(t);";
  if (i.take("wait_group")) return "wait_copies(t, " + w.read(i.operand(0), "s32") + ");";
  if (i.take("wait_all")) return "wait_all_copies(t);";
  const bool sixteen_only = i.take("cg");
  i.take("ca");
  if (take_space(i) != "global") i.fail("from global to shared memory only");
  if (!i.take("shared") && !i.take("shared::cta")) i.fail("from global to shared memory only");
  i.take_memory_hints();
  const std::string& size = i.operand(2);
  if (size != "4" && size != "8" && size != "16") i.fail("copies are of 4, 8 or 16 bytes");
  if (sixteen_only && size != "16") i.fail("cg copies are of 16 bytes");
  // The fourth operand is a source size, or a predicate that ignores the source.
  std::string source_size = size;
  if (i.operands() > 3) {
    const bool is_predicate = w.is_predicate(i.operand(3));
    source_size =
        is_predicate ? "(" + w.predicate(i.operand(3)) + " ? 0 : " + size + ")" : w.read(i.operand(3), "s32");
  }
  return "const int source_bytes = " + source_size + "; const std::byte* from = copy_source(t, " + w.site() +
         ", " + w.address(i.operand(1), "global") + ", " + size + ", source_bytes); copy_async(t, " +
         w.pointer(i.operand(0), "shared", static_cast<std::uint32_t>(std::stoul(size))) + ", from, " + size +
         ", source_bytes);";
}

/// Fibres never run at once and their stores are seen at once: nothing is left to do.
std::string fence(Instruction& i, FunctionWriter&) {
  i.take_memory_hints();
  i.take("gl");
  i.take("proxy");
  i.take("async");
  return "";
}

std::string prefetch(Instruction& i, FunctionWriter&) {
  i.take_one({"global", "local"});
  i.take_one({"L1", "L2"});
  i.take_memory_hints();
  return "";
}

std::string is_in_space(Instruction& i, FunctionWriter& w) {
  const std::string value = w.read(i.operand(1), "u64");
  if (i.take("shared")) return w.write(i.operand(0), "(" + value + " - kSharedWindow <= 0xffffffffu)");
  if (i.take("global"))
    return w.write(i.operand(0), "(t.block->runtime->find_allocation(" + value + ")->bytes != 0)");
  if (i.take("local")) return w.write(i.operand(0), "t.block->runtime->is_local(t, " + value + ")");
  i.fail("the state space is not known here");
}

}  // namespace

void add_memory(Translations& table) {
  table["ld"] = load_from;
  table["ldu"] = load_from;
  table["st"] = store_to;
  table["cp"] = copy_async;
  table["fence"] = fence;
  table["membar"] = fence;
  table["prefetch"] = prefetch;
  table["prefetchu"] = prefetch;
  table["isspacep"] = is_in_space;
}

}  // namespace emulator
