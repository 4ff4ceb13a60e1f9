// C (M, N) = sum of alpha A (M, depth) B (depth, N) + bias (N) + addend (M, N) + C.
// Any strides, float32 or bfloat16; sums in float32. Where all of A and B is bfloat16 and the build has
// vdpbf16ps, panels hold pairs of bfloat16 and a step of depth is two; else panels hold float32.
// After BLIS (Van Zee, van de Geijn 2015) and GotoBLAS: the smaller factor is packed into panels for all
// threads, the larger one by the task that multiplies it; micro tiles of panels (micro_tile.cpp).
//
// A depth block is a function of the depth alone and blocks are summed in order, so bits do not depend on
// threads.

#include "kernels/cpu/gemm/gemm.h"

#include <utility>

#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/gemm/packing.h"
#include "kernels/cpu/gemm/streaming.h"
#include "kernels/cpu/gemm/tall.h"
#include "kernels/cpu/gemm/wide.h"

namespace attune::cpu::ATTUNE_ISA {

using Factor = KeptPanels::Factor;

namespace {

// Elements between two depths of A: further apart, each depth is on a page of its own, and nobody guesses the
// next one (4,864: 0.9 of the packed product's speed; 2,048: 2.0).
constexpr std::int64_t kNearDepths = 2048;

/// Whether A lies across, as in the gradient of LoRA's second factor, and is multiplied by a few columns: it
/// would be packed for them. As the right factor of C^T = B^T A^T it is read where it lies.
bool is_turned(const Gemm& gemm) {
  const Matrix& a = gemm.products[0].a;
  return gemm.product_count == 1 && !gemm.activation.has_value() && gemm.columns > kStreamingRows &&
         gemm.columns <= kFewRows && gemm.rows >= kTileColumns && a.dtype == DType::f32 &&
         a.row_stride == 1 && a.column_stride != 1 && a.column_stride <= kNearDepths &&
         gemm.c_dtype == DType::f32;
}
bool has_terms(const Gemm& gemm) { return gemm.bias.data != nullptr || gemm.addend.data != nullptr; }

Matrix transposed(Matrix matrix) {
  std::swap(matrix.row_stride, matrix.column_stride);
  return matrix;
}

Gemm turned(const Gemm& gemm) {
  Gemm out = gemm;
  std::swap(out.rows, out.columns);
  out.products[0].a = transposed(gemm.products[0].b);
  out.products[0].b = transposed(gemm.products[0].a);
  out.c_turned = true;
  out.kept = {};
  return out;
}

}  // namespace

SharedForm kept_form(const Gemm& gemm) {
  if (is_turned(gemm)) return {};
  const Lane lane = choose_lane(gemm);
  if (gemm.rows <= kFewRows || streams(gemm) || choose_operands(gemm, lane) != Operands::packed) return {};
  const auto bytes =
      static_cast<std::size_t>(kept_lanes(gemm, lane, total_depth(gemm, lane))) * sizeof(float);
  const auto kind = static_cast<std::uint64_t>(lane);
  if (gemm.kept.factor == Factor::b) return {bytes, kind};
  // A is scaled as it is packed, and its panels begin anew with each block of rows.
  const std::int64_t blocks = is_wide(gemm) ? 1 : split_by(gemm.rows, kRowBlock).parts;
  const auto alpha = __builtin_bit_cast(std::uint32_t, gemm.products[0].alpha);
  return {bytes, static_cast<std::uint64_t>(alpha) << 32 | static_cast<std::uint64_t>(blocks) << 2 | kind};
}

std::size_t gemm_scratch(const Gemm& gemm, int threads) {
  // Whether there is a bias or an addend is known by their data alone: room for both ways.
  const std::size_t turned_bytes = is_turned(gemm) ? wide_scratch(turned(gemm), threads) : 0;
  const std::size_t bytes = streams(gemm)   ? streaming_scratch(gemm, threads)
                            : is_wide(gemm) ? wide_scratch(gemm, threads)
                                            : tall_scratch(gemm, threads);
  return bytes > turned_bytes ? bytes : turned_bytes;
}

void gemm(ThreadPool& pool, std::byte* scratch, const Gemm& gemm) {
  if (gemm.rows == 0 || gemm.columns == 0) return;
  if (is_turned(gemm) && !has_terms(gemm)) {
    wide_gemm(pool, scratch, turned(gemm));
  } else if (streams(gemm)) {
    streaming_gemm(pool, scratch, gemm);
  } else if (is_wide(gemm)) {
    wide_gemm(pool, scratch, gemm);
  } else {
    tall_gemm(pool, scratch, gemm);
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
