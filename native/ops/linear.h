#pragma once

#include "kernels/linear.h"
#include "ops/op.h"

namespace attune {

/// The attribute `name`: 'out_in' (the default) or 'in_out'.
[[nodiscard]] WeightLayout parse_weight_layout(const Attributes& attributes, std::string_view name);

}  // namespace attune
