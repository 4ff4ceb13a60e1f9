#pragma once

#include <cstdint>

namespace attune {

/// Hugging Face's names. gelu is exact (erf); gelu_new and gelu_pytorch_tanh are the same tanh form.
enum class ActivationKind : std::uint8_t {
  gelu,
  gelu_new,
  gelu_pytorch_tanh,
  quick_gelu,
  silu,
  relu,
  tanh,
  sigmoid
};

/// activation(x) -> y;  activation_backward(dy, x) -> dx;  any shape
/// gated_activation(gate, up) -> activation(gate) * up;  gated_activation_backward(dy, gate, up) -> dgate,
/// dup
struct ActivationArguments {
  ActivationKind kind = ActivationKind::gelu;
};

}  // namespace attune
