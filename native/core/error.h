#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace attune {

/// The one exception of the core. The binding maps it to an `AttuneError` with the same code.
///
/// `code` is stable (tests and callers match on it), `where` names the guilty node, tensor or file,
/// and `what()` says what was expected, what came, and what to do.
class Error : public std::runtime_error {
 public:
  Error(std::string_view code, std::string_view where, const std::string& message)
      : std::runtime_error(message), code_(code), where_(where) {}

  [[nodiscard]] const std::string& code() const noexcept { return code_; }
  [[nodiscard]] const std::string& where() const noexcept { return where_; }

 private:
  std::string code_;
  std::string where_;
};

}  // namespace attune
