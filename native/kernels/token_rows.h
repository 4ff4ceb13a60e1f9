#pragma once

#include <cstdint>
#include <vector>

namespace attune {

/// Tokens whose rows of a table (V, C) stand apart, in a small one (K, C) in place of the table's (PEFT's
/// trainable tokens). Ascending ids; `rows` beside them says which row of the small table is whose.
struct TokenRows {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> rows;
};

}  // namespace attune
