#pragma once

// A PTX module, parsed: declarations and statements. What an instruction means is not known here.

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace emulator {

/// PTX that the translator does not know. It stops; it never guesses.
class PtxError : public std::runtime_error {
 public:
  PtxError(int line, const std::string& message)
      : std::runtime_error("PTX line " + std::to_string(line) + ": " + message) {}
};

/// `.align 16 .b8 name[64]` in some state space.
struct PtxVariable {
  std::string space;  // reg, shared, local, global, const, param
  std::string type;
  std::string name;
  std::uint32_t align = 0;
  std::uint64_t bytes = 0;
  std::uint32_t count = 0;  // of `.reg .b32 %r<count>`; 0: the name itself
  bool is_external = false;
  std::vector<unsigned char> initial;
};

struct PtxStatement {
  enum class Kind { instruction, label, open_scope, close_scope, declaration, location };
  Kind kind = Kind::instruction;
  int line = 0;
  std::string text;  // of an instruction without its guard; the name of a label
  std::string guard;
  bool guard_negated = false;
  std::vector<PtxVariable> declared;
  std::vector<std::string> targets;  // of `label: .branchtargets a, b;`
  int file = 0;
  int file_line = 0;
};

struct PtxFunction {
  bool is_entry = false;
  bool is_defined = false;
  std::string name;
  std::vector<PtxVariable> results;
  std::vector<PtxVariable> parameters;
  std::uint32_t max_threads = 1024;
  std::vector<PtxStatement> statements;
};

struct PtxModule {
  std::map<int, std::string> files;
  std::vector<PtxVariable> variables;
  std::vector<PtxFunction> functions;
};

/// Throws PtxError.
[[nodiscard]] PtxModule parse_ptx(const std::string& text);

/// Bytes of a scalar type such as "b32"; 0 for one that has none or is not known.
[[nodiscard]] std::uint32_t type_bytes(const std::string& type);

/// Words (with their dots, %, $ and digits) and single punctuation marks.
[[nodiscard]] std::vector<std::string> ptx_tokens(const std::string& text);

/// Parses `.space [.align n] [.v2] .type name[size] [= {…}], …`. Throws PtxError.
[[nodiscard]] std::vector<PtxVariable> parse_variables(const std::string& text, int line);

}  // namespace emulator
