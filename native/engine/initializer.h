#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/thread_pool.h"

namespace attune {

/// Random or constant first values of a parameter.
struct Initializer {
  /// truncated_normal: a normal distribution cut off at both sides, as torch.nn.init.trunc_normal_ draws it.
  enum class Kind : std::uint8_t { normal, truncated_normal, uniform, constant };
  Kind kind = Kind::constant;
  double value = 0.0;  ///< standard deviation (before the truncation), bound, or the constant
  std::uint64_t seed = 0;
  double cutoff = 0.0;              ///< of truncated_normal, in standard deviations
  std::int64_t padding_index = -1;  ///< a row that is zeros, as torch.nn.Embedding's; -1: none
};

/// Fills the values of parameter `name`. They depend on the initializer and the name alone.
void initialize(std::span<float> values, const Initializer& initializer, const std::string& name,
                ThreadPool& pool);

}  // namespace attune
