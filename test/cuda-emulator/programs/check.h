#pragma once

// One line of output per test: `ok NAME`, or `not ok NAME: REASON`.

#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>

namespace test {

inline void expect(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(what);
}

template <class A, class B>
void expect_equal(const A& got, const B& wanted, const std::string& what) {
  if (!(got == wanted)) {
    throw std::runtime_error(what + ": got " + std::to_string(got) + ", expected " + std::to_string(wanted));
  }
}

inline void expect_contains(const std::string& text, const std::string& part) {
  expect(text.find(part) != std::string::npos, "`" + text + "` does not contain `" + part + "`");
}

inline void run(const std::string& name, const std::function<void()>& body) {
  std::string reason;
  try {
    body();
    std::printf("ok %s\n", name.c_str());
  } catch (const std::exception& error) {
    reason = error.what();
    for (char& c : reason) c = c == '\n' ? ' ' : c;
    std::printf("not ok %s: %s\n", name.c_str(), reason.c_str());
  }
  std::fflush(stdout);
}

}  // namespace test
