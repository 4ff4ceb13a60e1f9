#include "kernels/cuda_kernels.h"

#include "kernels/cuda/kernels.h"

namespace attune {

KernelTable cuda_kernels() {
  KernelTable table;
  cuda::register_activation(table);
  cuda::register_adamw(table);
  cuda::register_add(table);
  cuda::register_argmax(table);
  cuda::register_attention(table);
  cuda::register_attention_backward(table);
  cuda::register_binary_cross_entropy(table);
  cuda::register_cached_attention(table);
  cuda::register_column_sum(table);
  cuda::register_contrastive_loss(table);
  cuda::register_cross_entropy(table);
  cuda::register_dropout(table);
  cuda::register_embedding(table);
  cuda::register_embedding_noise(table);
  cuda::register_gather_rows(table);
  cuda::register_l2_normalize(table);
  cuda::register_layer_norm(table);
  cuda::register_linear(table);
  cuda::register_linear_cross_entropy(table);
  cuda::register_low_rank_weight_norm(table);
  cuda::register_magnitude(table);
  cuda::register_mean_squared_error(table);
  cuda::register_multiply_add_peak(table);
  cuda::register_replace_columns(table);
  cuda::register_rms_norm(table);
  cuda::register_rotary(table);
  cuda::register_sample(table);
  cuda::register_scale(table);
  cuda::register_segment_mean(table);
  cuda::register_span_cross_entropy(table);
  cuda::register_stream_read(table);
  return table;
}

}  // namespace attune
