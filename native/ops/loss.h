#pragma once

#include <span>

#include "ops/op.h"

namespace attune {

// What the losses share. A loss is the root of its graph: its forward node makes the gradients too, and the
// gradient that arrives at `loss` is taken to be 1 (loss_scale carries every factor).

/// 0 .. 1.
[[nodiscard]] float parse_label_smoothing(const Attributes& attributes);
/// 0 (none) or more.
[[nodiscard]] float parse_focal_gamma(const Attributes& attributes);

/// Of `loss` and of loss_scale: f32 [1].
[[nodiscard]] ValueType loss_type();
void check_loss_scale(const InferContext& context, std::size_t input);
/// One i32 per row.
void check_labels(const InferContext& context, std::size_t input, const Dimension& rows);
/// An optional f32 value per class.
void check_class_values(const InferContext& context, std::size_t input, std::string_view name,
                        const Dimension& classes);

/// Throws Error{"not-differentiable"} where something else than `loss` is differentiated.
void check_root(GradientContext& context, std::string_view op);

/// Of each logit: less the largest, its exponential, the sum, the quotient.
inline constexpr int kSoftmaxOperations = 4;

/// References of one row, in float64.
struct ReferenceTarget {
  std::int64_t label = 0;
  double smoothing = 0.0;
  std::span<const double> class_weights;  ///< empty: all 1
  double focal_gamma = 0.0;
};
[[nodiscard]] double reference_cross_entropy(std::span<const double> logits, const ReferenceTarget& target);
[[nodiscard]] std::int64_t first_largest(std::span<const double> values);

/// `loss` of these row losses.
[[nodiscard]] ReferenceTensor reference_loss(const ReferenceTensor& row_loss,
                                             const ReferenceTensor& loss_scale);

}  // namespace attune
