#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "ops/work.h"

namespace attune {

/// One run of a kernel: where in the model, when, and what it did.
struct Span {
  std::string path;
  std::string_view op;  ///< of the op table or a kernel's name: both live as long as the program
  double begin = 0.0;   ///< seconds after the profile was started
  double seconds = 0.0;
  Work work;
  double bytes = 0.0;  ///< of what it reads and writes, each tensor once
};

/// Spans in the order in which they began. Whoever records has a `Profile*`, null where nobody asked.
class Profile {
 public:
  [[nodiscard]] double now() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  /// Ends what began at `begin`.
  void add(std::string path, std::string_view op, double begin, const Work& work, double bytes) {
    const double seconds = now() - begin;
    spans_.push_back({std::move(path), op, begin, seconds, work, bytes});
  }

  [[nodiscard]] const std::vector<Span>& spans() const { return spans_; }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::vector<Span> spans_;
};

}  // namespace attune
