// activation: y = f(x); gated_activation: y = f(gate) * up; f is one of ActivationKind. Backwards: dx = dy
// f'(x); dgate = dy up f'(gate), dup = dy f(gate). y may be x, dx may be dy. See kernels/cpu/activation.cpp.

#include "kernels/cuda/activation.h"

#include "kernels/cuda/elements.cuh"

namespace attune::cuda {
namespace {

// ---- each kind has its value, and value and slope for the backward

struct ValueAndSlope {
  float value;
  float slope;
};

/// Good to a few units of float32; where the result is rounded to bf16, the approximations of the special
/// function units do, and keep the kernel bound by memory.
template <class T>
__device__ inline float exponential(float x) {
  if constexpr (sizeof(T) == 4) return expf(x);
  return __expf(x);
}

template <class T>
__device__ inline float sigmoid(float x) {
  if constexpr (sizeof(T) == 4) return 1.0F / (1.0F + expf(-x));
  return __fdividef(1.0F, 1.0F + __expf(-x));
}

struct Gelu {
  /// Phi(x) = (1 + erf(x / sqrt(2))) / 2
  static __device__ float cumulative(float x) { return fmaf(erff(x * 0.70710678F), 0.5F, 0.5F); }
  template <class T>
  static __device__ float value(float x) {
    return x * cumulative(x);
  }
  template <class T>
  static __device__ ValueAndSlope both(float x) {
    constexpr float kInverseSqrtTwoPi = 0.39894228F;
    const float phi = cumulative(x);
    return {x * phi, fmaf(x * kInverseSqrtTwoPi, exponential<T>(-0.5F * x * x), phi)};
  }
};

struct GeluTanh {
  static constexpr float kTwoSqrtTwoOverPi = 1.59576912F;
  static constexpr float kCubic = 0.044715F;  // Hendrycks and Gimpel's fit
  /// (1 + tanh(u)) / 2 = sigmoid(2u), which does not cancel for negative u.
  template <class T>
  static __device__ float cumulative(float x) {
    return sigmoid<T>(kTwoSqrtTwoOverPi * fmaf(kCubic * x * x, x, x));
  }
  template <class T>
  static __device__ float value(float x) {
    return x * cumulative<T>(x);
  }
  template <class T>
  static __device__ ValueAndSlope both(float x) {
    const float s = cumulative<T>(x);
    const float y = x * s;
    const float inner_slope = kTwoSqrtTwoOverPi * fmaf(3.0F * kCubic * x, x, 1.0F);
    return {y, fmaf(y * (1.0F - s), inner_slope, s)};
  }
};

struct QuickGelu {
  static constexpr float kSteepness = 1.702F;
  template <class T>
  static __device__ float value(float x) {
    return x * sigmoid<T>(kSteepness * x);
  }
  template <class T>
  static __device__ ValueAndSlope both(float x) {
    const float s = sigmoid<T>(kSteepness * x);
    return {x * s, fmaf(x * s * kSteepness, 1.0F - s, s)};
  }
};

struct Silu {
  template <class T>
  static __device__ float value(float x) {
    return x * sigmoid<T>(x);
  }
  template <class T>
  static __device__ ValueAndSlope both(float x) {
    const float s = sigmoid<T>(x);
    return {x * s, fmaf(x * s, 1.0F - s, s)};
  }
};

struct Relu {
  /// Not fmaxf: a NaN stays one.
  template <class T>
  static __device__ float value(float x) {
    return x < 0.0F ? 0.0F : x;
  }
  template <class T>
  static __device__ ValueAndSlope both(float x) {
    return {value<T>(x), x > 0.0F ? 1.0F : 0.0F};
  }
};

struct Tanh {
  template <class T>
  static __device__ float value(float x) {
    return tanhf(x);
  }
  template <class T>
  static __device__ ValueAndSlope both(float x) {
    const float y = tanhf(x);
    return {y, fmaf(-y, y, 1.0F)};
  }
};

struct Sigmoid {
  template <class T>
  static __device__ float value(float x) {
    return sigmoid<T>(x);
  }
  template <class T>
  static __device__ ValueAndSlope both(float x) {
    const float y = sigmoid<T>(x);
    return {y, y * (1.0F - y)};
  }
};

/// body(F{}) for the kind's F. All threads take the same way.
template <class Body>
__device__ inline void with_kind(ActivationKind kind, const Body& body) {
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

// ---- kernels

template <class T>
__device__ void activation(const Activation& a) {
  with_kind(a.kind, [&]<class F>(F) {
    for_pack<T>(a.count, [&]<int N>(std::int64_t i, Count<N>) {
      Floats<N> values = load<N>(static_cast<const T*>(a.x) + i);
      for (float& v : values.v) v = F::template value<T>(v);
      store<N>(static_cast<T*>(a.y) + i, values);
    });
  });
}

template <class T>
__device__ void activation_backward(const Activation& a) {
  with_kind(a.kind, [&]<class F>(F) {
    for_pack<T>(a.count, [&]<int N>(std::int64_t i, Count<N>) {
      const Floats<N> x = load<N>(static_cast<const T*>(a.x) + i);
      Floats<N> d = load<N>(static_cast<const T*>(a.dy) + i);
      for (int j = 0; j < N; ++j) d.v[j] *= F::template both<T>(x.v[j]).slope;
      store<N>(static_cast<T*>(a.y) + i, d);
    });
  });
}

/// f(at, at_gate, Count<N>) for the elements of this thread: where they are in y, and in gate's and up's
/// rows.
template <class T, class F>
__device__ inline void for_gated(const GatedActivation& a, const F& f) {
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (std::int64_t row = blockIdx.y; row < a.rows; row += gridDim.y) {
    for_pack_of_row<T>(a.columns, thread, a.whole, [&]<int N>(std::int64_t c, Count<N> count) {
      f(row * a.columns + c, row * a.stride + c, count);
    });
  }
}

template <class T>
__device__ void gated_activation(const GatedActivation& a) {
  with_kind(a.kind, [&]<class F>(F) {
    for_gated<T>(a, [&]<int N>(std::int64_t at, std::int64_t at_gate, Count<N>) {
      Floats<N> gate = load<N>(static_cast<const T*>(a.gate) + at_gate);
      const Floats<N> up = load<N>(static_cast<const T*>(a.up) + at_gate);
      for (int j = 0; j < N; ++j) gate.v[j] = F::template value<T>(gate.v[j]) * up.v[j];
      store<N>(static_cast<T*>(a.y) + at, gate);
    });
  });
}

template <class T>
__device__ void gated_activation_backward(const GatedActivation& a) {
  with_kind(a.kind, [&]<class F>(F) {
    for_gated<T>(a, [&]<int N>(std::int64_t at, std::int64_t at_gate, Count<N>) {
      const Floats<N> gate = load<N>(static_cast<const T*>(a.gate) + at_gate);
      Floats<N> up = load<N>(static_cast<const T*>(a.up) + at_gate);
      Floats<N> d = load<N>(static_cast<const T*>(a.dy) + at);
      for (int j = 0; j < N; ++j) {
        const ValueAndSlope f = F::template both<T>(gate.v[j]);
        up.v[j] *= d.v[j] * f.slope;
        d.v[j] *= f.value;
      }
      if (a.dgate != nullptr) store<N>(static_cast<T*>(a.dgate) + at_gate, up);
      if (a.dup != nullptr) store<N>(static_cast<T*>(a.dup) + at_gate, d);
    });
  });
}

ATTUNE_ENTRIES(activation, Activation, kPackThreads)
ATTUNE_ENTRIES(activation_backward, Activation, kPackThreads)
ATTUNE_ENTRIES(gated_activation, GatedActivation, kPackThreads, 8)
ATTUNE_ENTRIES(gated_activation_backward, GatedActivation, kPackThreads)

}  // namespace
}  // namespace attune::cuda
