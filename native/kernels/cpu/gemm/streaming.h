#pragma once

#include "kernels/cpu/gemm/gemm.h"

namespace attune::cpu::ATTUNE_ISA {

/// Whether a product has so few rows that B is read once where it lies. Decoding is this. An element's bits
/// are then the same however many rows there are.
[[nodiscard]] bool streams(const Gemm& gemm);
[[nodiscard]] std::size_t streaming_scratch(const Gemm& gemm, int threads);
void streaming_gemm(ThreadPool& pool, std::byte* scratch, const Gemm& gemm);

}  // namespace attune::cpu::ATTUNE_ISA
