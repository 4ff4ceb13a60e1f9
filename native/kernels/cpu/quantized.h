#pragma once

// Quantised weights as floats, a run of neighbours in memory at a time. Every kernel multiplies by the same
// floats, code times scale rounded once, whichever way it comes by them.

#include "core/quantization.h"
#include "kernels/cpu/simd.h"

namespace attune::cpu::ATTUNE_ISA {

ATTUNE_INLINE float scale_of_block(const QuantizedView& view, std::int64_t block) {
  return view.dtype == DType::int8 ? view.int8_scales[block] : nf4_scale(view, block);
}

ATTUNE_INLINE float value_of_code(const QuantizedView& view, std::int64_t element) {
  if (view.dtype == DType::int8) return static_cast<float>(view.int8_codes[element]);
  const unsigned pair = view.nf4_codes[element / 2];
  return view.nf4_values[element % 2 == 0 ? pair >> 4U : pair & 15U];
}

/// Elements [begin, begin + count) as floats.
inline void unpack(const QuantizedView& view, std::int64_t begin, std::int64_t count, float* out) {
  const std::int64_t end = begin + count;
  std::int64_t at = begin;
  while (at < end) {
    const std::int64_t block = at / kQuantizedBlock;
    const std::int64_t block_end = (block + 1) * kQuantizedBlock;
    const std::int64_t stop = block_end < end ? block_end : end;
    const float scale = scale_of_block(view, block);
    // A byte holds two codes of nf4: from an odd element on, one alone comes first.
    if (view.dtype == DType::nf4 && at % 2 == 1) {
      out[at - begin] = value_of_code(view, at) * scale;
      ++at;
    }
    const Vec factor = broadcast(scale);
    for (; at + Vec::kWidth <= stop; at += Vec::kWidth) {
      const Vec code = view.dtype == DType::int8 ? load(view.int8_codes + at)
                                                 : look_up_nibbles(view.nf4_codes + at / 2, view.nf4_values);
      store(out + (at - begin), code * factor);
    }
    for (; at < stop; ++at) out[at - begin] = value_of_code(view, at) * scale;
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
