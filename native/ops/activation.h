#pragma once

#include "kernels/activation.h"
#include "ops/op.h"

namespace attune {

/// The attribute `kind`, by Hugging Face's names.
[[nodiscard]] ActivationKind parse_activation_kind(const Attributes& attributes);

/// The function itself, in float64.
[[nodiscard]] double activate(ActivationKind kind, double x);

/// Operations an element.
[[nodiscard]] int activation_operations(ActivationKind kind);

}  // namespace attune
