// Declarations of variables, registers and parameters.

#include <algorithm>
#include <cctype>
#include <cstring>
#include <iterator>
#include <string_view>

#include "translator/ptx.h"

namespace emulator {
namespace {

constexpr std::string_view kSpaces[] = {"reg", "shared", "local", "global", "const", "param"};

void append_value(PtxVariable& variable, const std::string& token, int line) {
  const std::uint32_t size = type_bytes(variable.type);
  std::uint64_t bits = 0;
  if (token.size() > 2 && token[0] == '0' && std::strchr("fFdD", token[1]) != nullptr) {
    bits = std::stoull(token.substr(2), nullptr, 16);
  } else if (std::isdigit(static_cast<unsigned char>(token[0])) != 0) {
    bits = std::stoull(token, nullptr, 0);
  } else {
    throw PtxError(line, "initial value " + token + " of " + variable.name);
  }
  for (std::uint32_t i = 0; i < size; ++i)
    variable.initial.push_back(static_cast<unsigned char>(bits >> (8 * i)));
}

/// Reads from `= …` on; returns the index behind it.
std::size_t parse_initial(PtxVariable& variable, const std::vector<std::string>& tokens, std::size_t i,
                          int line) {
  if (tokens[i] != "{") {
    append_value(variable, tokens.at(i), line);
    return i + 1;
  }
  int depth = 0;
  bool negative = false;
  do {
    const std::string& token = tokens.at(i++);
    if (token == "{")
      ++depth;
    else if (token == "}")
      --depth;
    else if (token == "-")
      negative = true;
    else if (token != ",")
      append_value(variable, token, line);
    if (negative) throw PtxError(line, "negative initial value of " + variable.name);
  } while (depth > 0);
  return i;
}

}  // namespace

std::uint32_t type_bytes(const std::string& type) {
  static const std::map<std::string, std::uint32_t> sizes = {
      {"b8", 1},   {"u8", 1},  {"s8", 1},  {"b16", 2}, {"u16", 2}, {"s16", 2},   {"f16", 2},
      {"bf16", 2}, {"b32", 4}, {"u32", 4}, {"s32", 4}, {"f32", 4}, {"f16x2", 4}, {"bf16x2", 4},
      {"b64", 8},  {"u64", 8}, {"s64", 8}, {"f64", 8}, {"pred", 0}};
  const auto found = sizes.find(type);
  return found == sizes.end() ? 0 : found->second;
}

std::vector<std::string> ptx_tokens(const std::string& text) {
  std::vector<std::string> tokens;
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::strchr("_$%.", c);
  };
  for (std::size_t i = 0; i < text.size();) {
    if (std::isspace(static_cast<unsigned char>(text[i])) != 0) {
      ++i;
      continue;
    }
    std::size_t end = i;
    if (is_word(text[i])) {
      while (end < text.size() && is_word(text[end]) && (end == i || text[end] != '.')) ++end;
    } else {
      ++end;
    }
    tokens.push_back(text.substr(i, end - i));
    i = end;
  }
  return tokens;
}

std::vector<PtxVariable> parse_variables(const std::string& text, int line) {
  const std::vector<std::string> tokens = ptx_tokens(text);
  PtxVariable base;
  std::uint32_t vector = 1;
  std::size_t i = 0;
  for (; i < tokens.size() && (tokens[i][0] == '.'); ++i) {
    const std::string word = tokens[i].substr(1);
    if (word == "align")
      base.align = static_cast<std::uint32_t>(std::stoul(tokens.at(++i)));
    else if (word == "extern")
      base.is_external = true;
    else if (word == "visible" || word == "weak" || word == "common")
      continue;
    else if (word == "v2" || word == "v4")
      vector = word == "v2" ? 2 : 4;
    else if (word == "ptr") {  // `.ptr .global .align 16` says where the parameter points
      while (i + 1 < tokens.size() && tokens[i + 1][0] == '.') {
        if (tokens[++i] == ".align") ++i;
      }
    } else if (std::find(std::begin(kSpaces), std::end(kSpaces), word) != std::end(kSpaces))
      base.space = word;
    else if (type_bytes(word) > 0 || word == "pred")
      base.type = word;
    else
      throw PtxError(line, "unknown declaration: " + text);
  }
  if (base.type.empty() || i >= tokens.size()) throw PtxError(line, "unknown declaration: " + text);
  std::vector<PtxVariable> result;
  while (i < tokens.size()) {
    PtxVariable variable = base;
    variable.name = tokens[i++];
    variable.bytes = std::uint64_t{type_bytes(base.type)} * vector;
    variable.align =
        std::max<std::uint32_t>(base.align, base.align == 0 ? static_cast<std::uint32_t>(variable.bytes) : 1);
    if (i < tokens.size() && tokens[i] == "<") {
      variable.count = static_cast<std::uint32_t>(std::stoul(tokens.at(i + 1)));
      i += 3;
    }
    bool sized = true;
    std::uint64_t elements = 1;
    while (i < tokens.size() && tokens[i] == "[") {
      sized = tokens.at(i + 1) != "]";
      if (sized) elements *= std::stoull(tokens[i + 1], nullptr, 0);
      i += sized ? 3 : 2;
    }
    variable.bytes *= sized ? elements : 0;
    if (i < tokens.size() && tokens[i] == "=") {
      i = parse_initial(variable, tokens, i + 1, line);
      if (variable.bytes == 0) variable.bytes = variable.initial.size();
      variable.initial.resize(variable.bytes);
    }
    result.push_back(std::move(variable));
    if (i < tokens.size() && tokens[i++] != ",") throw PtxError(line, "unknown declaration: " + text);
  }
  return result;
}

}  // namespace emulator
