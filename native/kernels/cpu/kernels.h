#pragma once

#include "kernels/cpu/simd.h"
#include "kernels/kernel.h"

namespace attune::cpu::ATTUNE_ISA {

// A file per op, each with one function that adds its rows to the table.
void register_activation(KernelTable& table);
void register_adamw(KernelTable& table);
void register_add(KernelTable& table);
void register_argmax(KernelTable& table);
void register_attention(KernelTable& table);
void register_attention_backward(KernelTable& table);
void register_binary_cross_entropy(KernelTable& table);
void register_cached_attention(KernelTable& table);
void register_column_sum(KernelTable& table);
void register_contrastive_loss(KernelTable& table);
void register_cross_entropy(KernelTable& table);
void register_dropout(KernelTable& table);
void register_embedding(KernelTable& table);
void register_embedding_noise(KernelTable& table);
void register_gather_rows(KernelTable& table);
void register_l2_normalize(KernelTable& table);
void register_layer_norm(KernelTable& table);
void register_linear(KernelTable& table);
void register_linear_cross_entropy(KernelTable& table);
void register_low_rank_weight_norm(KernelTable& table);
void register_magnitude(KernelTable& table);
void register_mean_squared_error(KernelTable& table);
void register_multiply_add_peak(KernelTable& table);
void register_replace_columns(KernelTable& table);
void register_rms_norm(KernelTable& table);
void register_rotary(KernelTable& table);
void register_sample(KernelTable& table);
void register_scale(KernelTable& table);
void register_segment_mean(KernelTable& table);
void register_span_cross_entropy(KernelTable& table);
void register_stream_read(KernelTable& table);

/// The products among them, all that avx512_amx is built of.
void register_products(KernelTable& table);
void register_kernels(KernelTable& table);

}  // namespace attune::cpu::ATTUNE_ISA
