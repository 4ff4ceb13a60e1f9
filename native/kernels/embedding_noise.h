#pragma once

#include <cstdint>

namespace attune {

/// embedding_noise(x (T, C), cu_seqlens i32 (S + 1)) -> y (T, C): y = x + alpha / sqrt(L C) * u with u
/// uniform in [-1, 1) and L the tokens of the segment. Its counter is the element / 4, word element % 4. The
/// gradient of x is that of y. NEFTune, Jain et al. 2023, "Noisy embeddings improve instruction finetuning".
struct EmbeddingNoiseArguments {
  float alpha = 0.0F;
  std::uint32_t stream = 0;
};

}  // namespace attune
