// What of the operands is packed, in which lanes, and their panels: rows of A, columns of B, of the products
// laid one behind the other.

#include "kernels/cpu/gemm/packing.h"

#include "kernels/cpu/gemm/amx_packing.h"
#include "kernels/cpu/gemm/panels.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

[[nodiscard]] ATTUNE_INLINE std::int64_t steps_of(const Product& product, Lane lane) {
  const std::int64_t unit = panel_cut(lane).depth_unit;
  const std::int64_t depths = lane == Lane::bf16_pair ? 2 * unit : unit;
  return ceil_divide(product.depth, depths) * unit;
}

/// Calls visit(product, first step within it, steps, steps of the range before it) for each product in the
/// range from the `first` on.
template <class Visit>
ATTUNE_INLINE void for_products(const Gemm& gemm, Lane lane, DepthRange range, int first,
                                const Visit& visit) {
  std::int64_t start = 0;
  for (int p = 0; p < gemm.product_count; ++p) {
    const Product& product = gemm.products[p];
    const std::int64_t begin = range.begin > start ? range.begin : start;
    const std::int64_t stop = start + steps_of(product, lane);
    const std::int64_t end = range.end < stop ? range.end : stop;
    if (p >= first && begin < end) visit(product, begin - start, end - begin, begin - range.begin);
    start = stop;
  }
}

/// Steps [step, step + the panels' depth) of an operand that is `depth` deep.
void pack(const Panels& all, [[maybe_unused]] Lane lane, const Matrix& matrix, std::int64_t stride,
          std::int64_t depth_stride, std::int64_t step, [[maybe_unused]] std::int64_t depth) {
#if defined(ATTUNE_BF16_PAIRS)
  if (lane == Lane::bf16_pair) {
    pack_pairs(all, matrix, 2 * step * depth_stride, stride, depth_stride, depth - 2 * step);
    return;
  }
#endif
  pack_panels(all, matrix, step * depth_stride, stride, depth_stride);
}

#if defined(ATTUNE_BF16_PAIRS)
/// Normal float32 with an empty mantissa.
ATTUNE_INLINE bool is_power_of_two(float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  const std::uint32_t exponent = bits >> 23 & 0xffU;
  return (bits & 0x7fffffU) == 0 && exponent != 0 && exponent != 0xffU;
}
#endif

#if defined(ATTUNE_AMX)
/// (rows, steps) of one panel behind those of another are those of both.
void pack_a_for_tiles(const Gemm& gemm, DepthRange depth, const RowPanels& rows, float* out, int first) {
  const std::int64_t row = rows.row + rows.split.begin(rows.begin);
  const std::int64_t count = rows.row + rows.split.begin(rows.end) - row;
  const std::int64_t left = gemm.rows - row;
  for_products(gemm, Lane::bf16_pair, depth, first,
               [&](const Product& product, std::int64_t step, std::int64_t steps, std::int64_t before) {
                 const Matrix& a = product.a;
                 pack_pair_rows(
                     {.out = out + before,
                      .stride = depth.size(),
                      .rows = count,
                      .count = left < count ? left : count,
                      .steps = steps,
                      .depths = product.depth - 2 * step,
                      .scale = product.alpha},
                     static_cast<const bfloat16*>(a.data) + row * a.row_stride + 2 * step * a.column_stride,
                     a.row_stride, a.column_stride);
               });
}
#endif

}  // namespace

Lane choose_lane([[maybe_unused]] const Gemm& gemm) {
#if defined(ATTUNE_BF16_PAIRS)
  for (int p = 0; p < gemm.product_count; ++p) {
    const Product& product = gemm.products[p];
    if (product.a.dtype != DType::bf16 || product.b.dtype != DType::bf16) return Lane::f32;
    if (!is_power_of_two(product.alpha)) return Lane::f32;
  }
  return Lane::bf16_pair;
#else
  return Lane::f32;
#endif
}

Operands choose_operands(const Gemm& gemm, Lane lane) {
  // What is read in place has floats with neighbours in memory: in depth for A, in columns for B.
  const auto lies_as_wanted = [](const Matrix& matrix) {
    return matrix.dtype == DType::f32 && matrix.column_stride == 1;
  };
  if (lane != Lane::f32 || gemm.product_count != 1) return Operands::packed;
  if (gemm.columns <= kTileColumns && lies_as_wanted(gemm.products[0].a)) return Operands::a_where_it_lies;
  if (gemm.rows <= kFewRows && lies_as_wanted(gemm.products[0].b)) return Operands::b_where_it_lies;
  return Operands::packed;
}

std::int64_t depth_block(const Gemm& gemm, Lane lane) {
  return choose_operands(gemm, lane) == Operands::a_where_it_lies ? kThinDepthBlock
                                                                  : panel_cut(lane).depth_block;
}

std::int64_t total_depth(const Gemm& gemm, Lane lane) {
  std::int64_t steps = 0;
  for (int p = 0; p < gemm.product_count; ++p) steps += steps_of(gemm.products[p], lane);
  return steps;
}

void pack_a(const Gemm& gemm, Lane lane, DepthRange depth, const RowPanels& rows, float* out, int first) {
  const std::int64_t base = rows.split.begin(rows.begin);
#if defined(ATTUNE_AMX)
  if (lane == Lane::bf16_pair) {
    pack_a_for_tiles(gemm, depth, rows, out, first);
    return;
  }
#endif
  for (std::int64_t some = rows.begin; some < rows.end; some += Panels::kMost) {
    const std::int64_t end = some + Panels::kMost < rows.end ? some + Panels::kMost : rows.end;
    for_products(gemm, lane, depth, first,
                 [&](const Product& product, std::int64_t step, std::int64_t steps, std::int64_t before) {
                   Panels all(gemm.rows);
                   for (std::int64_t p = some; p < end; ++p) {
                     const std::int64_t row = rows.split.begin(p);
                     const std::int64_t count = rows_of(gemm, rows.row, rows.split, p);
                     all.add({.out = out + (row - base) * depth.size() + before * count,
                              .begin = rows.row + row,
                              .width = count,
                              .count = count,
                              .depth = steps,
                              .alpha = product.alpha});
                   }
                   pack(all, lane, product.a, product.a.row_stride, product.a.column_stride, step,
                        product.depth);
                 });
  }
}

void pack_b(const Gemm& gemm, Lane lane, DepthRange depth, std::int64_t column, std::int64_t columns,
            float* out, int first) {
  constexpr std::int64_t kSome = Panels::kMost * kTileColumns;
  const bool scaled = choose_operands(gemm, lane) == Operands::a_where_it_lies;
  for (std::int64_t some = 0; some < columns; some += kSome) {
    const std::int64_t end = some + kSome < columns ? some + kSome : columns;
    for_products(gemm, lane, depth, first,
                 [&](const Product& product, std::int64_t step, std::int64_t steps, std::int64_t before) {
                   Panels all(gemm.columns);
                   for (std::int64_t j = some; j < end; j += kTileColumns) {
                     const std::int64_t count = end - j < kTileColumns ? end - j : kTileColumns;
                     const std::int64_t width = ceil_divide(count, Vec::kWidth) * Vec::kWidth;
                     all.add({.out = out + j * depth.size() + before * width,
                              .begin = column + j,
                              .width = width,
                              .count = count,
                              .depth = steps,
                              .alpha = scaled ? product.alpha : 1.0F});
                   }
                   pack(all, lane, product.b, product.b.column_stride, product.b.row_stride, step,
                        product.depth);
                 });
  }
}

}  // namespace attune::cpu::ATTUNE_ISA
