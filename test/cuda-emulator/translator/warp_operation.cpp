// Barriers and collectives of a warp.

#include "translator/function_writer.h"

namespace emulator {
namespace {

std::string barrier(Instruction& i, FunctionWriter& w) {
  i.take("cta");
  if (i.take("warp")) {
    i.take("sync");
    return "sync_warp(t, " + w.site() + ", " + w.read(i.operand(0), "u32") + ");";
  }
  const std::string kind = i.take_one({"sync", "arrive", "red"});
  i.take("aligned");
  if (kind.empty()) i.fail("the form is not known");
  const std::string site = w.site();
  const auto call = [&](std::size_t id, std::size_t threads, bool has_threads, const std::string& which,
                        const std::string& predicate) {
    return "barrier(t, " + site + ", " + w.read(i.operand(id), "u32") + ", " +
           (has_threads ? w.read(i.operand(threads), "u32") : "0u") + ", BarrierKind::" + which + ", " +
           predicate + ")";
  };
  if (kind != "red") return call(0, 1, i.operands() > 1, kind, "false") + ";";
  const std::string type = i.take_type();
  const std::string operation = i.take_one({"popc", "and", "or"});
  const bool has_threads = i.operands() > 3;
  const std::string predicate = w.predicate(i.operand(has_threads ? 3 : 2));
  if (operation == "popc" && type == "u32")
    return w.write(i.operand(0), call(1, 2, has_threads, "sync", predicate));
  if (type != "pred") i.fail("type ." + type);
  // All hold where the negation of none does.
  if (operation == "and")
    return w.write(i.operand(0), call(1, 2, has_threads, "sync", "!(" + predicate + ")") + " == 0");
  if (operation == "or") return w.write(i.operand(0), call(1, 2, has_threads, "sync", predicate) + " != 0");
  i.fail("the reduction is not known here");
}

std::string shuffle(Instruction& i, FunctionWriter& w) {
  if (!i.take("sync")) i.fail("only the form with .sync is defined");
  const std::string kind = i.take_one({"up", "down", "bfly", "idx"});
  if (kind.empty() || i.take_type() != "b32") i.fail("the form is not known");
  const std::string& targets = i.operand(0);
  const std::size_t bar = targets.find('|');
  std::string code = "const ShuffleResult result = shfl<Shuffle::" + kind + ">(t, " + w.site() + ", " +
                     w.read(i.operand(1), "u32") + ", " + w.read(i.operand(2), "u32") + ", " +
                     w.read(i.operand(3), "u32") + ", " + w.read(i.operand(4), "u32") + "); " +
                     w.write(targets.substr(0, bar), "result.value");
  if (bar != std::string::npos) code += " " + w.write(targets.substr(bar + 1), "result.in_range");
  return code;
}

std::string vote(Instruction& i, FunctionWriter& w) {
  if (!i.take("sync")) i.fail("only the form with .sync is defined");
  const std::string kind = i.take_one({"all", "any", "uni", "ballot"});
  const std::string type = i.take_type();
  if (kind.empty() || type != (kind == "ballot" ? "b32" : "pred")) i.fail("the form is not known");
  return w.write(i.operand(0), (kind == "ballot" ? "ballot" : "vote_" + kind) + "(t, " + w.site() + ", " +
                                   w.predicate(i.operand(1)) + ", " + w.read(i.operand(2), "u32") + ")");
}

std::string match(Instruction& i, FunctionWriter& w) {
  const std::string type = i.take_type();
  const std::string kind = i.take_one({"any", "all"});
  if (!i.take("sync") || kind.empty()) i.fail("the form is not known");
  const std::string& targets = i.operand(0);
  const std::size_t bar = targets.find('|');
  std::string code = "const u32 equal = match_" + kind + "<" + cpp_type(type) + ">(t, " + w.site() + ", " +
                     w.read(i.operand(1), type) + ", " + w.read(i.operand(2), "u32") + "); " +
                     w.write(targets.substr(0, bar), "equal");
  if (bar != std::string::npos) code += " " + w.write(targets.substr(bar + 1), "(equal != 0)");
  return code;
}

std::string reduce(Instruction& i, FunctionWriter& w) {
  const std::string type = i.take_type();
  std::string kind = i.take_one({"add", "min", "max", "and", "or", "xor"});
  if (!i.take("sync") || kind.empty() || type_bytes(type) != 4 || is_float(type))
    i.fail("the form is not known");
  if (type == "b32" && kind.size() == 3 && (kind == "add" || kind == "min" || kind == "max"))
    i.fail("type .b32");
  if (kind == "and" || kind == "or" || kind == "xor") kind += "_";
  return w.write(i.operand(0), "redux<Reduction::" + kind + ", " + cpp_type(type) + ">(t, " + w.site() +
                                   ", " + w.read(i.operand(1), type) + ", " + w.read(i.operand(2), "u32") +
                                   ")");
}

}  // namespace

void add_warp_operations(Translations& table) {
  table["bar"] = barrier;
  table["barrier"] = barrier;
  table["shfl"] = shuffle;
  table["vote"] = vote;
  table["match"] = match;
  table["redux"] = reduce;
}

}  // namespace emulator
