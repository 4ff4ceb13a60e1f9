#pragma once

#include <cstdint>

namespace attune {

/// attention(q (T, heads * head_dim), k (T, kv_heads * head_dim), v like k, cu_seqlens i32 (S + 1),
///           kv_cu_seqlens? i32 (S + 1), bias_table? (buckets, heads), query_rows? i32 (R))
///   -> o (T, heads * head_dim), lse f32 (T, heads)
///   With packing, q holds all three, (T, (heads + 2 kv_heads) * head_dim), and k, v are absent: `qkv` is
///   [q | k | v] side by side, `interleaved` (GPT-NeoX, kv_heads = heads) has q, k, v of head 0, then of
///   head 1.
///   With kv_cu_seqlens, keys and values have rows of their own (cross attention): never causal, no window,
///   no packing.
///   With query_rows, ascending and distinct, q, o and lse have R rows: row r is the batch's row
///   query_rows[r], of the segment that has that row. No packing, kv_cu_seqlens or bias_table.
/// attention_backward(do, q, k, v, o, lse, cu_seqlens, kv_cu_seqlens?, bias_table?, query_rows?)
///   -> dq, dk, dv, and with bias_gradient dbias_table f32; with packing one output shaped as q for the
///   three.
///
/// Query row i of a segment sees key j of the same segment when (not causal or j <= i) and, with window w >
/// 0, i - w < j (and j < i + w when not causal). score = scale * q.k, then softcap * tanh(score / softcap) if
/// softcap > 0, then, with a bias_table, plus table[bucket(j - i)][head]
/// (kernels/relative_position.h). A query that sees nothing gives 0. Dropout acts on the probabilities; its
/// counter is ((row * heads + head) << 20) + key_in_segment / 4 with row that of q, word key_in_segment % 4.
/// FlashAttention-2 (Dao 2023): tiles of keys, running maximum and sum, log-sum-exp kept;
/// no (T, T) matrix.
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
  std::int64_t bias_max_distance = 128;
  bool bias_bidirectional = false;
  bool bias_gradient = false;  ///< of attention_backward: whether dbias_table is asked for
};

/// cached_attention(q, k, v, k_cache, v_cache, cu_seqlens i32 (S + 1), slots i32 (S), lengths i32 (S),
///                  kv_cu_seqlens? i32 (S + 1), bias_table?) -> o
///   The decoding form; no gradient. Caches are (slots, capacity, kv_heads * head_dim) and are written in
///   place: sequence s's new keys and values go to rows lengths[s].. of slot slots[s]; then its query i, at
///   position lengths[s] + i, attends to the rows up to its own. Causal, with packing, window and bias_table
///   as above.
///   With kv_cu_seqlens (cross attention, not causal) the new keys and values of sequence s are those of its
///   kv segment, which may be empty; each query sees all rows that the slot then holds. No window, packing or
///   bias_table.

}  // namespace attune
