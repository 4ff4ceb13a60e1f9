#pragma once

#include "kernels/cuda/token_rows.h"

namespace attune::cuda {

/// Which row of the small table is the token's; -1: none. Found by halving, as ids ascend.
__device__ inline std::int32_t token_row(const TokenRowsView& tokens, std::int32_t id) {
  std::int32_t low = 0;
  std::int32_t high = tokens.count;
  while (low < high) {
    const std::int32_t middle = (low + high) / 2;
    if (tokens.ids[middle] < id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < tokens.count && tokens.ids[low] == id ? tokens.rows[low] : -1;
}

}  // namespace attune::cuda
