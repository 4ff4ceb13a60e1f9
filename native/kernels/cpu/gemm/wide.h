#pragma once

#include "kernels/cpu/gemm/gemm.h"

namespace attune::cpu::ATTUNE_ISA {

/// Products with many columns beside their rows (a head over a vocabulary): A is packed once for all
/// threads, a slab of depth at a time, a group of columns of B by the task that multiplies it, and used while
/// it is hot.
[[nodiscard]] bool is_wide(const Gemm& gemm);
[[nodiscard]] std::size_t wide_scratch(const Gemm& gemm, int threads);
void wide_gemm(ThreadPool& pool, std::byte* scratch, const Gemm& gemm);

}  // namespace attune::cpu::ATTUNE_ISA
