#include "translator/instruction.h"

#include <algorithm>

namespace emulator {

std::vector<std::string> split_operands(const std::string& text) {
  std::vector<std::string> result;
  std::string current;
  int depth = 0;
  const auto push = [&] {
    const std::size_t begin = current.find_first_not_of(' ');
    if (begin != std::string::npos)
      result.push_back(current.substr(begin, current.find_last_not_of(' ') - begin + 1));
    current.clear();
  };
  for (const char c : text) {
    if (c == '{' || c == '[' || c == '(') ++depth;
    if (c == '}' || c == ']' || c == ')') --depth;
    if (c == ',' && depth == 0)
      push();
    else
      current += c;
  }
  push();
  return result;
}

Instruction::Instruction(const std::string& text, int line) : text_(text), line_(line) {
  const std::size_t space = std::min(text.find(' '), text.size());
  std::string parts = text.substr(0, space);
  for (std::size_t dot = parts.find('.'); dot != std::string::npos;) {
    const std::size_t next = parts.find('.', dot + 1);
    std::string part = parts.substr(dot + 1, next == std::string::npos ? next : next - dot - 1);
    if (!part.empty()) modifiers_.push_back(std::move(part));
    dot = next;
  }
  opcode_ = parts.substr(0, parts.find('.'));
  operands_ = split_operands(text.substr(space));
}

const std::string& Instruction::operand(std::size_t i) const {
  if (i >= operands_.size()) fail("too few operands");
  return operands_[i];
}

bool Instruction::take(const std::string& modifier) {
  const auto found = std::find(modifiers_.begin(), modifiers_.end(), modifier);
  if (found == modifiers_.end()) return false;
  modifiers_.erase(found);
  return true;
}

std::string Instruction::take_one(std::initializer_list<const char*> modifiers) {
  for (const char* modifier : modifiers) {
    if (take(modifier)) return modifier;
  }
  return "";
}

std::string Instruction::take_type() {
  if (modifiers_.empty()) fail("it has no type");
  std::string type = modifiers_.back();
  modifiers_.pop_back();
  return type;
}

std::string Instruction::take_first() {
  if (modifiers_.empty()) fail("a modifier is missing");
  std::string first = modifiers_.front();
  modifiers_.erase(modifiers_.begin());
  return first;
}

void Instruction::take_memory_hints() {
  // `L1::evict_last`, `L2::128B`: the colons are part of the modifier.
  std::erase_if(modifiers_, [](const std::string& modifier) {
    return modifier.rfind("L1::", 0) == 0 || modifier.rfind("L2::", 0) == 0;
  });
  for (const char* hint :
       {"ca",      "cg",      "cs",      "lu",      "cv", "wb",  "wt",      "nc",  "volatile", "weak",
        "relaxed", "acquire", "release", "acq_rel", "sc", "cta", "cluster", "gpu", "sys",      "noftz"}) {
    take(hint);
  }
}

void Instruction::expect_done() const {
  if (!modifiers_.empty()) fail("modifier ." + modifiers_.front() + " is not known here");
}

void Instruction::fail(const std::string& why) const {
  throw PtxError(line_, "unknown instruction `" + text_ + "`: " + why);
}

}  // namespace emulator
