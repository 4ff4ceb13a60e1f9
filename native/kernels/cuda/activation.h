#pragma once

#include <cstdint>

#include "kernels/activation.h"

namespace attune::cuda {

struct Activation {
  const void* x;
  const void* dy;  ///< of the backward
  void* y;         ///< dx of the backward
  std::int64_t count;
  ActivationKind kind;
};

/// Tensors of one shape are one row. Of halves side by side, gate and up (and their gradients) point into the
/// same rows.
struct GatedActivation {
  const void* gate;
  const void* up;
  const void* dy;  ///< of the backward
  void* y;         ///< of the forward
  void* dgate;     ///< or null
  void* dup;       ///< or null
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t stride;  ///< between rows of gate, up and their gradients; those of y have `columns`
  bool whole;           ///< rows begin on 16 bytes
  ActivationKind kind;
};

}  // namespace attune::cuda
