#pragma once

#include <cstdint>

namespace attune {

/// attention(q (T, heads * head_dim), k (T, kv_heads * head_dim), v like k, cu_seqlens i32 (S + 1))
///   -> o (T, heads * head_dim), lse f32 (T, heads)
///   With packing, q holds all three, (T, (heads + 2 kv_heads) * head_dim), and k, v are absent: `qkv` is
///   [q | k | v] side by side, `interleaved` (GPT-NeoX, kv_heads = heads) has q, k, v of head 0, then of
///   head 1.
/// attention_backward(do, q, k, v, o, lse, cu_seqlens) -> dq, dk, dv; with packing one output shaped as q.
///
/// Query row i of a segment sees key j of the same segment when (not causal or j <= i) and, with window w >
/// 0, i - w < j (and j < i + w when not causal). score = scale * q.k, then softcap * tanh(score / softcap) if
/// softcap > 0. A query that sees nothing gives 0. Dropout acts on the probabilities; its counter is
/// ((row * heads + head) << 20) + key_in_segment / 4 with row the row in the batch, word key_in_segment % 4.
/// FlashAttention-2 (Dao 2023): tiles of keys, running maximum and sum, log-sum-exp kept; no (T, T) matrix.
enum class Packing { none, qkv, interleaved };

struct AttentionArguments {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  float scale = 1.0F;
  bool causal = true;
  std::int64_t window = 0;  ///< 0: no window; w counts the token itself
  float softcap = 0.0F;
  float dropout = 0.0F;
  std::uint32_t stream = 0;
  Packing packing = Packing::none;
};

/// cached_attention(q, k, v, k_cache, v_cache, cu_seqlens i32 (S + 1), slots i32 (S), lengths i32 (S)) -> o
///   The decoding form; no gradient. Caches are (slots, capacity, kv_heads * head_dim) and are written in
///   place: sequence s's new keys and values go to rows lengths[s].. of slot slots[s]; then its queries
///   attend to rows [0, lengths[s] + i] of that slot. Packing as above. Always causal.

}  // namespace attune
