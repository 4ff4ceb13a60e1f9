#pragma once

// ActivationKind's functions over Vec: value(x), and both(x, value, slope) for the backward.

#include "kernels/activation.h"
#include "kernels/cpu/simd.h"

namespace attune::cpu::ATTUNE_ISA {

struct Gelu {
  static constexpr float kSqrtHalf = 0.70710678F;
  static constexpr float kInverseSqrtTwoPi = 0.39894228F;
  /// Phi(x) = (1 + erf(x / sqrt(2))) / 2
  static ATTUNE_INLINE Vec cumulative(Vec x) {
    return fma(erf(x * broadcast(kSqrtHalf)), broadcast(0.5F), broadcast(0.5F));
  }
  static ATTUNE_INLINE Vec value(Vec x) { return x * cumulative(x); }
  static ATTUNE_INLINE void both(Vec x, Vec& y, Vec& slope) {
    const Vec phi = cumulative(x);
    y = x * phi;
    slope = fma(x * broadcast(kInverseSqrtTwoPi), exp(x * x * broadcast(-0.5F)), phi);
  }
};

struct GeluTanh {
  static constexpr float kTwoSqrtTwoOverPi = 1.59576912F;
  static constexpr float kCubic = 0.044715F;  // Hendrycks and Gimpel's fit
  /// (1 + tanh(u)) / 2 = sigmoid(2u), which does not cancel for negative u.
  static ATTUNE_INLINE Vec cumulative(Vec x) {
    return sigmoid(broadcast(kTwoSqrtTwoOverPi) * fma(broadcast(kCubic) * x * x, x, x));
  }
  static ATTUNE_INLINE Vec value(Vec x) { return x * cumulative(x); }
  static ATTUNE_INLINE void both(Vec x, Vec& y, Vec& slope) {
    const Vec s = cumulative(x);
    y = x * s;
    const Vec inner_slope =
        broadcast(kTwoSqrtTwoOverPi) * fma(broadcast(3.0F * kCubic) * x, x, broadcast(1.0F));
    slope = fma(y * (broadcast(1.0F) - s), inner_slope, s);
  }
};

struct QuickGelu {
  static constexpr float kSteepness = 1.702F;
  static ATTUNE_INLINE Vec value(Vec x) { return x * sigmoid(x * broadcast(kSteepness)); }
  static ATTUNE_INLINE void both(Vec x, Vec& y, Vec& slope) {
    const Vec s = sigmoid(x * broadcast(kSteepness));
    y = x * s;
    slope = fma(y * broadcast(kSteepness), broadcast(1.0F) - s, s);
  }
};

struct Silu {
  static ATTUNE_INLINE Vec value(Vec x) { return x * sigmoid(x); }
  static ATTUNE_INLINE void both(Vec x, Vec& y, Vec& slope) {
    const Vec s = sigmoid(x);
    y = x * s;
    slope = fma(y, broadcast(1.0F) - s, s);
  }
};

struct Relu {
  static ATTUNE_INLINE Vec value(Vec x) { return max(zero(), x); }
  static ATTUNE_INLINE void both(Vec x, Vec& y, Vec& slope) {
    y = value(x);
    slope = select(less(zero(), x), broadcast(1.0F), zero());
  }
};

struct Tanh {
  static ATTUNE_INLINE Vec value(Vec x) { return tanh(x); }
  static ATTUNE_INLINE void both(Vec x, Vec& y, Vec& slope) {
    y = tanh(x);
    slope = fnma(y, y, broadcast(1.0F));
  }
};

struct Sigmoid {
  static ATTUNE_INLINE Vec value(Vec x) { return sigmoid(x); }
  static ATTUNE_INLINE void both(Vec x, Vec& y, Vec& slope) {
    y = sigmoid(x);
    slope = y * (broadcast(1.0F) - y);
  }
};

/// body(F{}) for the kind's F.
template <class Body>
ATTUNE_INLINE void with_kind(ActivationKind kind, const Body& body) {
  switch (kind) {
    case ActivationKind::gelu:
      return body(Gelu{});
    case ActivationKind::gelu_new:
    case ActivationKind::gelu_pytorch_tanh:
      return body(GeluTanh{});
    case ActivationKind::quick_gelu:
      return body(QuickGelu{});
    case ActivationKind::silu:
      return body(Silu{});
    case ActivationKind::relu:
      return body(Relu{});
    case ActivationKind::tanh:
      return body(Tanh{});
    case ActivationKind::sigmoid:
      return body(Sigmoid{});
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
