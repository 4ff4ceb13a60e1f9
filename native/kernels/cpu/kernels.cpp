// Every CPU kernel of one instruction set, in one list.

#include "kernels/cpu/kernels.h"

namespace attune::cpu::ATTUNE_ISA {

void register_kernels(KernelTable& table) {
  register_activation(table);
  register_adamw(table);
  register_add(table);
  register_argmax(table);
  register_attention(table);
  register_attention_backward(table);
  register_binary_cross_entropy(table);
  register_cached_attention(table);
  register_column_sum(table);
  register_contrastive_loss(table);
  register_cross_entropy(table);
  register_dropout(table);
  register_embedding(table);
  register_embedding_noise(table);
  register_gather_rows(table);
  register_l2_normalize(table);
  register_layer_norm(table);
  register_low_rank_weight_norm(table);
  register_magnitude(table);
  register_mean_squared_error(table);
  register_multiply_add_peak(table);
  register_products(table);
  register_replace_columns(table);
  register_rms_norm(table);
  register_rotary(table);
  register_sample(table);
  register_scale(table);
  register_segment_mean(table);
  register_span_cross_entropy(table);
  register_stream_read(table);
}

}  // namespace attune::cpu::ATTUNE_ISA
