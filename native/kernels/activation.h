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
struct ActivationArguments {
  ActivationKind kind = ActivationKind::gelu;
};

/// Which half is which where gate and up lie side by side.
enum class GateOrder : std::uint8_t { gate_up, up_gate };

/// gated_activation(gate, up) -> activation(gate) * up, same shapes
/// gated_activation(halves (T, 2N)) -> (T, N): `up` is absent and each row holds both, in `order` (Phi-3's
/// gate_up_proj, ModernBERT's Wi: gate_up)
/// gated_activation_backward(dy, gate, up?) -> dgate, dup; of halves one output shaped as they are
struct GatedActivationArguments {
  ActivationKind kind = ActivationKind::gelu;
  GateOrder order = GateOrder::gate_up;
};

}  // namespace attune
