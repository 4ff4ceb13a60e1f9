#include "ops/table.h"

namespace attune {

std::span<const OpDefinition> op_table() {
  static const std::vector<OpDefinition> rows = {
      embedding_op,
      embedding_backward_op,
      linear_op,
      linear_weight_gradient_op,
      column_sum_op,
      layer_norm_op,
      layer_norm_backward_op,
      rms_norm_op,
      rms_norm_backward_op,
      rotary_op,
      attention_op,
      attention_backward_op,
      cached_attention_op,
      activation_op,
      activation_backward_op,
      gated_activation_op,
      gated_activation_backward_op,
      add_op,
      accumulate_gradient_op,
      dropout_op,
      embedding_noise_op,
      gather_rows_op,
      scatter_rows_op,
      argmax_op,
      sample_op,
      replace_columns_op,
      replace_columns_backward_op,
      scale_op,
      segment_mean_op,
      segment_mean_backward_op,
      l2_normalize_op,
      l2_normalize_backward_op,
      low_rank_weight_norm_op,
      magnitude_op,
      magnitude_gradient_op,
      linear_cross_entropy_op,
      cross_entropy_op,
      binary_cross_entropy_op,
      mean_squared_error_op,
      span_cross_entropy_op,
      contrastive_loss_op,
  };
  return rows;
}

}  // namespace attune
