// C (M, N) = sum of alpha A (M, depth) B (depth, N) + bias (N) + addend (M, N) + C.
// Any strides, float32 or bfloat16; sums in float32. Where all of A and B is bfloat16 and the build has
// vdpbf16ps, panels hold pairs of bfloat16 and a step of depth is two; else panels hold float32.
// After BLIS (Van Zee, van de Geijn 2015) and GotoBLAS: the smaller factor is packed into panels for all
// threads, the larger one by the task that multiplies it; micro tiles of panels (micro_tile.cpp).
//
// A depth block is a function of the depth alone and blocks are summed in order, so bits do not depend on
// threads.

#include "kernels/cpu/gemm/gemm.h"

#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/gemm/packing.h"
#include "kernels/cpu/gemm/streaming.h"
#include "kernels/cpu/gemm/tall.h"
#include "kernels/cpu/gemm/wide.h"

namespace attune::cpu::ATTUNE_ISA {

using Factor = KeptPanels::Factor;

SharedForm kept_form(const Gemm& gemm) {
  const Lane lane = choose_lane(gemm);
  if (gemm.rows <= kFewRows || streams(gemm) || choose_operands(gemm, lane) != Operands::packed) return {};
  const auto bytes = static_cast<std::size_t>(kept_lanes(gemm, total_depth(gemm, lane))) * sizeof(float);
  const auto kind = static_cast<std::uint64_t>(lane);
  if (gemm.kept.factor == Factor::b) return {bytes, kind};
  // A is scaled as it is packed, and its panels begin anew with each block of rows.
  const std::int64_t blocks = is_wide(gemm) ? 1 : split_by(gemm.rows, kRowBlock).parts;
  const auto alpha = __builtin_bit_cast(std::uint32_t, gemm.products[0].alpha);
  return {bytes, static_cast<std::uint64_t>(alpha) << 32 | static_cast<std::uint64_t>(blocks) << 2 | kind};
}

std::size_t gemm_scratch(const Gemm& gemm, int threads) {
  if (streams(gemm)) return streaming_scratch(gemm, threads);
  if (is_wide(gemm)) return wide_scratch(gemm, threads);
  return tall_scratch(gemm, threads);
}

void gemm(ThreadPool& pool, std::byte* scratch, const Gemm& gemm) {
  if (gemm.rows == 0 || gemm.columns == 0) return;
  if (streams(gemm)) {
    streaming_gemm(pool, scratch, gemm);
  } else if (is_wide(gemm)) {
    wide_gemm(pool, scratch, gemm);
  } else {
    tall_gemm(pool, scratch, gemm);
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
