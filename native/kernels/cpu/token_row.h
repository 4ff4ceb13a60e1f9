#pragma once

#include "kernels/cpu/simd.h"
#include "kernels/token_rows.h"

namespace attune::cpu::ATTUNE_ISA {

/// Which row of the small table is the token's; -1: none. Found by halving, as ids ascend: a table by token
/// would be as long as the vocabulary.
inline std::int64_t token_row(const TokenRows& tokens, std::int32_t id) {
  const std::int32_t* const ids = tokens.ids.data();
  const auto count = static_cast<std::int64_t>(tokens.ids.size());
  std::int64_t low = 0;
  std::int64_t high = count;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    if (ids[middle] < id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < count && ids[low] == id ? tokens.rows.data()[low] : -1;
}

}  // namespace attune::cpu::ATTUNE_ISA
