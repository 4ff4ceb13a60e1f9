#pragma once

// The right factor of a thin product as lines, each of neighbours in memory, of which runs up to
// kQuantizedBlock long are read.

#include "kernels/cpu/gemm/gemm.h"
#include "kernels/cpu/quantized.h"
#if defined(ATTUNE_BF16_PAIRS)
#include "kernels/cpu/simd/avx512_bf16.h"
#endif

namespace attune::cpu::ATTUNE_ISA {

/// Brings the element closer that comes 1 KiB after `at` of a run, once for each line of the cache. Elements
/// narrower than a float are converted on their way, and fewer reads are in flight meanwhile: asking gives
/// them 1.1 to 1.3 times the speed on a Xeon. Floats come as fast as without.
template <class T>
ATTUNE_INLINE void ask_ahead([[maybe_unused]] const T* run, [[maybe_unused]] std::int64_t at) {
  if constexpr (sizeof(T) < sizeof(float)) {
    constexpr std::int64_t kLine = 64 / sizeof(T);
    constexpr std::int64_t kAhead = 1024 / sizeof(T);
    if (at % kLine == 0) prefetch(run + at + kAhead);
  }
}

/// How a line is multiplied, kStep elements at a time: as floats, by floats.
struct FloatFactors {
  using Element = float;
  static constexpr std::int64_t kStep = Vec::kWidth;
  template <class T>
  [[nodiscard]] static ATTUNE_INLINE Vec at(const T* p) {
    return load(p);
  }
  template <class T>
  [[nodiscard]] static ATTUNE_INLINE Vec partial(const T* p, std::int64_t count) {
    return load_partial(p, count);
  }
  [[nodiscard]] static ATTUNE_INLINE Vec multiply_add(Vec a, Vec b, Vec sum) { return fma(a, b, sum); }
};

#if defined(ATTUNE_BF16_PAIRS)
/// As pairs of bfloat16, by pairs.
struct PairFactors {
  using Element = bfloat16;
  static constexpr std::int64_t kStep = 2 * Vec::kWidth;
  [[nodiscard]] static ATTUNE_INLINE Vec at(const bfloat16* p) { return load_pairs(p); }
  [[nodiscard]] static ATTUNE_INLINE Vec partial(const bfloat16* p, std::int64_t count) {
    return load_pairs(p, count);
  }
  [[nodiscard]] static ATTUNE_INLINE Vec multiply_add(Vec a, Vec b, Vec sum) { return dot_pairs(a, b, sum); }
};
#endif

template <class T, class F>
struct PlainRun {
  const T* data;
  ATTUNE_INLINE void ask(std::int64_t i) const { ask_ahead(data, i); }
  [[nodiscard]] ATTUNE_INLINE Vec at(std::int64_t i) const { return F::at(data + i); }
  [[nodiscard]] ATTUNE_INLINE Vec partial(std::int64_t i, std::int64_t count) const {
    return F::partial(data + i, count);
  }
};

/// Lines of B, each of neighbours in memory.
template <class T, class F = FloatFactors>
struct PlainLines {
  using Run = PlainRun<T, F>;
  using Factors = F;
  const T* data;
  std::int64_t stride;  ///< elements between lines
  [[nodiscard]] ATTUNE_INLINE Run run(std::int64_t line, std::int64_t i) const {
    return {data + line * stride + i};
  }
  ATTUNE_INLINE void ask(std::int64_t line, std::int64_t i) const { prefetch(data + line * stride + i); }
};

struct Int8Run {
  const std::int8_t* codes;
  Vec scale;
  ATTUNE_INLINE void ask(std::int64_t i) const { ask_ahead(codes, i); }
  [[nodiscard]] ATTUNE_INLINE Vec at(std::int64_t i) const { return load(codes + i) * scale; }
  /// Lines are whole blocks.
  [[nodiscard]] ATTUNE_INLINE Vec partial(std::int64_t i, std::int64_t /*count*/) const { return at(i); }
};

/// int8 lines that are whole blocks: no run crosses the border of two scales.
struct Int8Lines {
  using Run = Int8Run;
  using Factors = FloatFactors;
  const std::int8_t* codes;
  const float* scales;
  std::int64_t stride;
  [[nodiscard]] ATTUNE_INLINE Run run(std::int64_t line, std::int64_t i) const {
    const std::int64_t at = line * stride + i;
    // Never negative: without a sign the division is a shift.
    return {codes + at, broadcast(scales[static_cast<std::uint64_t>(at) / kQuantizedBlock])};
  }
  ATTUNE_INLINE void ask(std::int64_t line, std::int64_t i) const { prefetch(codes + line * stride + i); }
};

[[nodiscard]] ATTUNE_INLINE std::int64_t line_stride(const Matrix& b) {
  return b.row_stride == 1 ? b.column_stride : b.row_stride;
}

/// Whether the product's lines of B must be unpacked before they are multiplied.
[[nodiscard]] ATTUNE_INLINE bool unpacks(const Matrix& b, std::int64_t line_length) {
  if (b.dtype == DType::nf4) return true;
  return b.dtype == DType::int8 &&
         (line_stride(b) % kQuantizedBlock != 0 || line_length % kQuantizedBlock != 0);
}

template <class T, class F = FloatFactors>
[[nodiscard]] ATTUNE_INLINE PlainLines<T, F> plain_lines(const Matrix& b, std::int64_t line, std::int64_t i) {
  const std::int64_t stride = line_stride(b);
  return {static_cast<const T*>(b.data) + line * stride + i, stride};
}
[[nodiscard]] ATTUNE_INLINE Int8Lines int8_lines(const Matrix& b, std::int64_t line, std::int64_t i) {
  const QuantizedView view = view_quantized(b.dtype, b.data, b.elements);
  const std::int64_t stride = line_stride(b);
  const std::int64_t at = line * stride + i;
  return {view.int8_codes + at, view.int8_scales + at / kQuantizedBlock, stride};
}

}  // namespace attune::cpu::ATTUNE_ISA
