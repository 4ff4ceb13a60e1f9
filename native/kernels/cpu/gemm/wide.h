#pragma once

#include "kernels/cpu/gemm/gemm.h"

namespace attune::cpu::ATTUNE_ISA {

/// Products with so many columns that each thread has some of its own for all rows and depths: the wide
/// layers of a block, and the head over a vocabulary. A is packed once and whole; a group of columns of B is
/// packed by the task that multiplies it, and used while it is hot. Nothing waits between the two but for A.
[[nodiscard]] bool is_wide(const Gemm& gemm);
[[nodiscard]] std::size_t wide_scratch(const Gemm& gemm, int threads);
void wide_gemm(ThreadPool& pool, std::byte* scratch, const Gemm& gemm);

}  // namespace attune::cpu::ATTUNE_ISA
