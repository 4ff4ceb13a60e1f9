#pragma once

#include "kernels/cpu/gemm/gemm.h"

namespace attune::cpu::ATTUNE_ISA {

/// Products with many rows beside their columns: B is packed for all threads, a slab of depth at a time, a
/// group of rows of A by the task that multiplies it, and used while it is hot.
[[nodiscard]] std::size_t tall_scratch(const Gemm& gemm, int threads);
void tall_gemm(ThreadPool& pool, std::byte* scratch, const Gemm& gemm);

}  // namespace attune::cpu::ATTUNE_ISA
