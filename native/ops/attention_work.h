#pragma once

#include "kernels/attention.h"
#include "ops/work.h"

namespace attune {

// Floating-point operations of attention, over the pairs of query and key that see each other.

[[nodiscard]] Work attention_work(const KernelCall& call);
[[nodiscard]] Work attention_backward_work(const KernelCall& call);
[[nodiscard]] Work cached_attention_work(const KernelCall& call);

}  // namespace attune
