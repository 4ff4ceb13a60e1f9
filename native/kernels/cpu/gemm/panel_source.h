#pragma once

#include "kernels/cpu/gemm/blocking.h"
#if defined(ATTUNE_BF16_PAIRS)
#include "kernels/cpu/simd/avx512_bf16.h"
#endif

namespace attune::cpu::ATTUNE_ISA {

// Where panels come from: lanes by their place across (j) and their step of depth (k).
//
//   across(j, k), across(j, k, n)   kWidth lanes from j on, or the first n of them, where the stride is 1
//   along(j, k), along(j, k, n)     kWidth steps from k on, where the stride between depths is 1
//   lane(j, k)                      one, anywhere
//   prefetch_across(k), prefetch_along(j, k)
// j and k count from the source's first lane on.

/// What both kinds below are made of.
template <class T>
struct Strided {
  const T* data;
  std::int64_t stride;
  std::int64_t depth_stride;
  Vec scale;

  ATTUNE_INLINE Strided(const T* first, std::int64_t between, std::int64_t between_depths, float factor)
      : data(first), stride(between), depth_stride(between_depths), scale(broadcast(factor)) {}
};

/// float32, or bfloat16 that is widened, times a scale.
template <class T>
struct Elements : Strided<T> {
  using Strided<T>::Strided, Strided<T>::data, Strided<T>::stride, Strided<T>::depth_stride,
      Strided<T>::scale;

  [[nodiscard]] ATTUNE_INLINE Vec across(std::int64_t j, std::int64_t k) const {
    return scale * load(data + k * depth_stride + j);
  }
  [[nodiscard]] ATTUNE_INLINE Vec across(std::int64_t j, std::int64_t k, std::int64_t n) const {
    return scale * load_partial(data + k * depth_stride + j, n);
  }
  [[nodiscard]] ATTUNE_INLINE Vec along(std::int64_t j, std::int64_t k) const {
    return scale * load(data + j * stride + k);
  }
  [[nodiscard]] ATTUNE_INLINE Vec along(std::int64_t j, std::int64_t k, std::int64_t n) const {
    return scale * load_partial(data + j * stride + k, n);
  }
  [[nodiscard]] ATTUNE_INLINE Vec lane(std::int64_t j, std::int64_t k) const {
    return scale * load_partial(data + j * stride + k * depth_stride, 1);
  }
  ATTUNE_INLINE void prefetch_across(std::int64_t j, std::int64_t k) const {
    prefetch(data + k * depth_stride + j);
  }
  ATTUNE_INLINE void prefetch_along(std::int64_t j, std::int64_t k) const { prefetch(data + j * stride + k); }
};

#if defined(ATTUNE_BF16_PAIRS)

/// Pairs of bfloat16, which stay what they are. Nothing is rounded: the scale is a power of two.
template <bool kScales>
struct Pairs : Strided<bfloat16> {
  using Strided::Strided;

  [[nodiscard]] ATTUNE_INLINE Vec across(std::int64_t j, std::int64_t k) const {
    const bfloat16* const even = data + 2 * k * depth_stride + j;
    return scaled(load_pairs(even, even + depth_stride));
  }
  [[nodiscard]] ATTUNE_INLINE Vec across(std::int64_t j, std::int64_t k, std::int64_t n) const {
    const bfloat16* const even = data + 2 * k * depth_stride + j;
    return scaled(load_pairs(even, even + depth_stride, n));
  }
  [[nodiscard]] ATTUNE_INLINE Vec along(std::int64_t j, std::int64_t k) const {
    return scaled(load_pairs(data + j * stride + 2 * k));
  }
  [[nodiscard]] ATTUNE_INLINE Vec along(std::int64_t j, std::int64_t k, std::int64_t n) const {
    return scaled(load_pairs(data + j * stride + 2 * k, 2 * n));
  }
  [[nodiscard]] ATTUNE_INLINE Vec lane(std::int64_t j, std::int64_t k) const {
    const bfloat16* const even = data + j * stride + 2 * k * depth_stride;
    return scaled(load_pairs(even, even + depth_stride, 1));
  }
  /// Of a last depth that has none beside it.
  [[nodiscard]] ATTUNE_INLINE Vec single(std::int64_t j, std::int64_t k) const {
    return scaled(load_pairs(data + j * stride + 2 * k * depth_stride, nullptr, 1));
  }
  ATTUNE_INLINE void prefetch_across(std::int64_t j, std::int64_t k) const {
    prefetch(data + 2 * k * depth_stride + j);
    prefetch(data + (2 * k + 1) * depth_stride + j);
  }
  ATTUNE_INLINE void prefetch_along(std::int64_t j, std::int64_t k) const {
    prefetch(data + j * stride + 2 * k);
  }

 private:
  [[nodiscard]] ATTUNE_INLINE Vec scaled(Vec pairs) const {
    return kScales ? scale_pairs(pairs, scale) : pairs;
  }
};

#endif

}  // namespace attune::cpu::ATTUNE_ISA
