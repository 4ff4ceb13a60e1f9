#pragma once

#include <cstdint>

namespace attune {

/// embedding(table, ids) -> y
///   table (V, C), or (C, V) when `transposed` (PEFT's lora_embedding_A);  ids i32 (T);  y (T, C)
/// embedding_backward(dy, ids) -> dtable f32, in table's layout; accumulates
struct EmbeddingArguments {
  std::int64_t vocabulary = 0;      ///< V: an id outside [0, V) is an error raised before the run
  std::int64_t padding_index = -1;  ///< this row gets no gradient; -1: there is none
  bool transposed = false;
};

}  // namespace attune
