#pragma once

#include "kernels/cpu/gemm/gemm.h"

namespace attune::cpu::ATTUNE_ISA {

/// The product of at most kStreamingRows rows: B is read once where it lies. Decoding one token is this.
[[nodiscard]] std::size_t streaming_scratch(const Gemm& gemm);
void streaming_gemm(ThreadPool& pool, std::byte* scratch, const Gemm& gemm);

}  // namespace attune::cpu::ATTUNE_ISA
