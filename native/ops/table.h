#pragma once

#include "ops/op.h"

namespace attune {

// One file per family, one row per op.
extern const OpDefinition embedding_op, embedding_backward_op;
extern const OpDefinition linear_op, linear_weight_gradient_op, column_sum_op;
extern const OpDefinition layer_norm_op, layer_norm_backward_op;
extern const OpDefinition rms_norm_op, rms_norm_backward_op;
extern const OpDefinition rotary_op;
extern const OpDefinition attention_op, attention_backward_op;
extern const OpDefinition cached_attention_op;
extern const OpDefinition activation_op, activation_backward_op;
extern const OpDefinition gated_activation_op, gated_activation_backward_op;
extern const OpDefinition add_op, accumulate_gradient_op;
extern const OpDefinition dropout_op;
extern const OpDefinition embedding_noise_op;
extern const OpDefinition gather_rows_op, scatter_rows_op;
extern const OpDefinition argmax_op, sample_op;
extern const OpDefinition replace_columns_op, replace_columns_backward_op;
extern const OpDefinition scale_op;
extern const OpDefinition segment_mean_op, segment_mean_backward_op;
extern const OpDefinition l2_normalize_op, l2_normalize_backward_op;
extern const OpDefinition low_rank_weight_norm_op;
extern const OpDefinition magnitude_op, magnitude_gradient_op;
extern const OpDefinition linear_cross_entropy_op;
extern const OpDefinition cross_entropy_op;
extern const OpDefinition binary_cross_entropy_op;
extern const OpDefinition mean_squared_error_op;
extern const OpDefinition span_cross_entropy_op;
extern const OpDefinition contrastive_loss_op;

}  // namespace attune
