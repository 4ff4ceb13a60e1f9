#pragma once

#include <cstdint>
#include <vector>

namespace attune {

/// rotary(x (T, heads * head_dim), positions i32 (T)) -> y, the half-split form of Hugging Face's Llama:
///   y1 = x1 cos - x2 sin, y2 = x2 cos + x1 sin over the two halves of each head's first 2 *
///   |inverse_frequencies| features; features beyond them pass through. Angles are position *
///   inverse_frequency in float32.
///   Of every `period` heads the first `rotated` are turned, the others pass through: [q | k | v] side by
///   side has rotated = heads + kv_heads of period = heads + 2 kv_heads, GPT-NeoX's q, k, v of each head 2
///   of 3.
/// The gradient is the same op with `inverse` set (rotation by the negative angle).
struct RotaryArguments {
  std::int64_t head_dim = 0;
  std::vector<float> inverse_frequencies;
  std::int64_t rotated = 1;  ///< heads
  std::int64_t period = 1;
  float attention_scaling = 1.0F;  ///< multiplies cos and sin (yarn, longrope)
  bool inverse = false;
};

}  // namespace attune
