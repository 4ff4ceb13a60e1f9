#pragma once

#include <cstdint>

#include "kernels/token_rows.h"

namespace attune {

/// embedding(table, ids, token_rows?) -> y
///   table (V, C), or (C, V) when `transposed` (PEFT's lora_embedding_A);  ids i32 (T);  y (T, C)
///   token_rows (K, C): rows in place of the table's, of the tokens that `tokens` names
/// embedding_backward(dy, ids) -> dtable f32, in table's layout, or dtoken_rows (K, C); accumulates
struct EmbeddingArguments {
  std::int64_t vocabulary = 0;      ///< V: an id outside [0, V) is an error raised before the run
  std::int64_t padding_index = -1;  ///< this row gets no gradient; -1: there is none
  bool transposed = false;
  TokenRows tokens;
  bool token_gradient = false;  ///< of the backward: of token_rows, not of the table
};

}  // namespace attune
