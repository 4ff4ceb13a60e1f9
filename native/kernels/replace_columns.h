#pragma once

#include "kernels/token_rows.h"

namespace attune {

/// replace_columns(y (T, V), z (T, K), bias? (V)) -> (T, V)
///   y, but column `ids[i]` is column `rows[i]` of z; then bias is added to all
/// replace_columns_backward(d (T, V)) -> dy (T, V), zero in the columns replaced, and dz (T, K)
/// Logits of a head some of whose rows stand apart: y = x Wᵀ, z = x token_rowsᵀ.
struct ReplaceColumnsArguments {
  TokenRows tokens;
};

}  // namespace attune
