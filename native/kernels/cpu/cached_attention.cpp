// cached_attention: writes the new k and v into the cache, then o = softmax(mask(softcap(scale q K^T) +
// bias)) V over it. q, o (T, heads * head_dim); k, v (T, kv_heads * head_dim), or packed in q; k_cache,
// v_cache (slots, capacity, kv_heads * head_dim); cu_seqlens i32 (S + 1), slots i32 (S), lengths i32 (S);
// kv_cu_seqlens i32 (S + 1) where k and v have rows of their own (cross attention: every query sees all that
// the slot holds); bias_table (buckets, heads). For decoding: there is no backward.

#include "kernels/attention.h"
#include "kernels/cpu/attend_tile.h"
#include "kernels/cpu/kernels.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels

/// Below this many queries the tile would mostly multiply padding: each query goes alone, by dot products.
constexpr std::int64_t kFewQueries = 4;
const ProbabilityDropout kNoDropout;

template <class T>
ATTUNE_INLINE float dot(const float* q, const T* k, std::int64_t n) {
  return sum_of(n, [&](std::int64_t i, auto lanes) { return load(q + i, lanes) * load(k + i, lanes); });
}

/// One query, which sees the keys that its tile would. Uses s.q, s.p and the first tile's o.
template <class T>
void attend_one(const AttendProblem<T>& problem, const AttendTask<T>& task, const AttendArrays& s) {
  const auto& [a, dropout, bias, head, k, v, all_keys, lse_stride] = problem;
  float* const sums = s.tiles[0].o;
  const std::int64_t d = padded(a.head_dim);
  widen_rows(task.q, 1, a.head_dim, a.scale, s.q);
  for (std::int64_t i = 0; i < d; i += Vec::kWidth) store(sums + i, zero());
  float highest = kMinusInfinity;
  float sum = 0.0F;
  constexpr std::int64_t kKeys =
      kTile * kTile;  // as many scores as s.p holds: one pass for all but long contexts
  const Sight sight = problem.sight();
  const std::int64_t position = task.positions.first;
  const std::int64_t end = sight.end(position, all_keys);
  for (std::int64_t key = sight.begin(position); key < end; key += kKeys) {
    const std::int64_t keys = minimum(kKeys, end - key);
    const float before = highest;
    for (std::int64_t j = 0; j < keys; ++j) s.p[j] = dot(s.q, k.data + (key + j) * k.stride, a.head_dim);
    if (a.softcap > 0.0F) {
      for_vectors(keys, [&](std::int64_t j, auto lanes) {
        const Vec score = load(s.p + j, lanes);
        store(s.p + j, broadcast(a.softcap) * tanh(score * broadcast(1.0F / a.softcap)), lanes);
      });
    }
    if (bias.on()) {
      const float* const values = bias.of_head(head);
      for (std::int64_t j = 0; j < keys; ++j) s.p[j] += values[bias.place(key + j - position)];
    }
    Vec top = broadcast(highest);
    for_vectors(keys, [&](std::int64_t j, auto lanes) {
      top = max(top, only(load(s.p + j, lanes), broadcast(kMinusInfinity), lanes));
    });
    highest = reduce_max(top);
    const Vec reference = broadcast(highest);
    alignas(64) float rescale[Vec::kWidth];
    store(rescale, exp_of_nonpositive(broadcast(before) - reference));
    sum = sum * rescale[0] + sum_of(keys, [&](std::int64_t j, auto lanes) {
            const Vec p = exp_of_nonpositive(load(s.p + j, lanes) - reference);
            store(s.p + j, p, lanes);
            return p;
          });
    for (std::int64_t i = 0; i < d; i += Vec::kWidth) store(sums + i, load(sums + i) * broadcast(rescale[0]));
    for_vectors(a.head_dim, [&](std::int64_t c, auto lanes) {
      Vec even = load(sums + c);
      Vec odd = zero();
      std::int64_t j = 0;
      for (; j + 2 <= keys; j += 2) {
        even = fma(broadcast(s.p[j]), load(v.data + (key + j) * v.stride + c, lanes), even);
        odd = fma(broadcast(s.p[j + 1]), load(v.data + (key + j + 1) * v.stride + c, lanes), odd);
      }
      if (j < keys) even = fma(broadcast(s.p[j]), load(v.data + (key + j) * v.stride + c, lanes), even);
      store(sums + c, even + odd);
    });
  }
  const Vec inverse = broadcast(sum > 0.0F ? 1.0F / sum : 0.0F);
  for_vectors(a.head_dim,
              [&](std::int64_t c, auto lanes) { store(task.o.data + c, load(sums + c) * inverse, lanes); });
}

/// Rows of one head of one sequence into its slot.
template <class T>
void append_rows(HeadRows<const T> from, std::int64_t rows, std::int64_t head_dim, HeadRows<T> to) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for_vectors(head_dim, [&](std::int64_t i, auto lanes) {
      store(to.data + r * to.stride + i, load(from.data + r * from.stride + i, lanes), lanes);
    });
  }
}

// ---- launch

struct Scratch {
  RelativeBias bias;
  PerThread<AttendArrays> threads;

  Scratch(Carver& carver, const KernelCall& call, int thread_count)
      : bias(carver, call.as<AttentionArguments>(), call.inputs, 9, call.inputs[3].shape[1]),
        threads(carver, thread_count, call.as<AttentionArguments>().head_dim) {}
};
std::size_t scratch_of(const KernelCall& call, int threads) {
  Carver carver;
  const Scratch counted(carver, call, threads);
  return carver.used();
}

template <class T>
void run_cached_attention(KernelContext& context, const KernelCall& call) {
  const auto& a = call.as<AttentionArguments>();
  const bool cross = has(call.inputs, 8);
  Carver carver(context.scratch);
  const Scratch scratch(carver, call, context.pool.threads());
  scratch.bias.fill(a);
  const auto in = projections_of<const T>(a, call.inputs);
  const std::int64_t columns = a.kv_heads * a.head_dim;
  const std::int64_t capacity = call.inputs[3].shape[1];
  auto* const k_cache = call.inputs[3].as<T>();
  auto* const v_cache = call.inputs[4].as<T>();
  const Segments queries(call.inputs[5]);
  const Segments added(call.inputs[cross ? 8 : 5]);
  const auto* slots = call.inputs[6].as<const std::int32_t>();
  const auto* lengths = call.inputs[7].as<const std::int32_t>();
  const std::int64_t sequences = call.inputs[6].shape.rows();
  const HeadRows<T> o{call.outputs[0].as<T>(), a.heads * a.head_dim};

  context.pool.run(sequences, [&](std::int64_t s, int) {
    const std::int64_t row = added.starts[s];
    const std::int64_t rows = added.length(s);
    for (std::int64_t head = 0; head < a.kv_heads; ++head) {
      const std::int64_t at = (slots[s] * capacity + lengths[s]) * columns + head * a.head_dim;
      append_rows<T>(in.k_head(head).from(row), rows, a.head_dim, {k_cache + at, columns});
      append_rows<T>(in.v_head(head).from(row), rows, a.head_dim, {v_cache + at, columns});
    }
  });
  context.pool.run(sequences * a.heads, [&](std::int64_t task, int thread) {
    const std::int64_t s = task / a.heads;
    const std::int64_t head = task % a.heads;
    const std::int64_t row = queries.starts[s];
    const std::int64_t count = queries.length(s);
    const std::int64_t keys = lengths[s] + added.length(s);
    const std::int64_t position = cross ? 0 : lengths[s];
    const std::int64_t at = slots[s] * capacity * columns + head / in.group * a.head_dim;
    const HeadRows<const T> q = in.q_head(head).from(row);
    const HeadRows<T> out = HeadRows<T>{o.data + head * a.head_dim, o.stride}.from(row);
    const AttendArrays arrays = scratch.threads.of(thread);
    const AttendProblem<T> problem{
        a, kNoDropout, scratch.bias, head, {k_cache + at, columns}, {v_cache + at, columns}, keys};
    const auto task_at = [&](std::int64_t first, std::int64_t most) {
      const std::int64_t some = minimum(most, count - first);
      return AttendTask<T>{q.from(first), out.from(first),
                           nullptr,       row + first,
                           some,          TilePositions{position + first, position + first + some - 1}};
    };
    if (count < kFewQueries) {
      for (std::int64_t first = 0; first < count; ++first) attend_one(problem, task_at(first, 1), arrays);
      return;
    }
    for (std::int64_t first = 0; first < count;) {
      AttendTask<T> tasks[kTilesTogether];
      std::int64_t tiles = 0;
      for (; tiles < kTilesTogether && first < count; first += kTile) tasks[tiles++] = task_at(first, kTile);
      attend_tiles(problem, tasks, tiles, arrays);
    }
  });
}

}  // namespace

void register_cached_attention(KernelTable& table) {
  table.add("cached_attention", DType::f32, {run_cached_attention<float>, scratch_of});
  table.add("cached_attention", DType::bf16, {run_cached_attention<bfloat16>, scratch_of});
}

}  // namespace attune::cpu::ATTUNE_ISA
