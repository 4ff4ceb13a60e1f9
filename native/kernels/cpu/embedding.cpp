// embedding: y[t] = table[ids[t]], or token_rows' row where the token has one; embedding_backward: dtable[v],
// or dtoken_rows[k], = sum over tokens t of that row of dy[t]. table, dtable (V, C), or (C, V) when
// transposed; ids i32 (T); token_rows, dtoken_rows (K, C); y, dy (T, C). Gradients are f32, tables f32 or
// bf16, or quantised in the forward pass. The backward needs the ids. A row's tokens are summed in their
// order by one task, so no atomics are needed.

#include "kernels/embedding.h"

#include <cstring>

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"
#include "kernels/cpu/quantized.h"
#include "kernels/cpu/token_row.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels

/// A quantised table's row.
template <class T>
void unpack_row(const QuantizedView& table, std::int64_t id, T* y, std::int64_t columns) {
  alignas(64) float row[4 * kQuantizedBlock];
  for (std::int64_t c = 0; c < columns; c += 4 * kQuantizedBlock) {
    const std::int64_t count = minimum(4 * kQuantizedBlock, columns - c);
    unpack(table, id * columns + c, count, row);
    for_vectors(count, [&](std::int64_t i, auto lanes) { store(y + c + i, load(row + i, lanes), lanes); });
  }
}

template <class W, class T>
void look_up(const W* table, std::int64_t id, std::int64_t vocabulary, bool transposed, T* y,
             std::int64_t columns) {
  if (transposed) {
    for (std::int64_t c = 0; c < columns; ++c) {
      y[c] = from_value<T>(widen_value(table[c * vocabulary + id]));
    }
  } else {
    for_vectors(columns, [&](std::int64_t i, auto lanes) {
      store(y + i, load(table + id * columns + i, lanes), lanes);
    });
  }
}

/// The row of the gradient's table that a token adds to; -1: none.
std::int64_t gradient_row(const EmbeddingArguments& arguments, std::int32_t id) {
  if (id == arguments.padding_index) return -1;
  const std::int64_t apart = token_row(arguments.tokens, id);
  if (arguments.token_gradient) return apart;
  return apart < 0 ? id : -1;
}

/// first[v] and next[t] chain the tokens of each of the gradient's rows in ascending order; -1 ends a chain.
void chain_tokens(const EmbeddingArguments& arguments, const std::int32_t* ids, std::int64_t tokens,
                  std::int64_t rows, std::int32_t* first, std::int32_t* next) {
  for (std::int64_t v = 0; v < rows; ++v) first[v] = -1;
  for (std::int64_t t = tokens - 1; t >= 0; --t) {
    const std::int64_t row = gradient_row(arguments, ids[t]);
    if (row < 0) continue;
    next[t] = first[row];
    first[row] = static_cast<std::int32_t>(t);
  }
}

template <class T>
void sum_chain(const T* dy, std::int32_t token, const std::int32_t* next, float* row, std::int64_t columns,
               bool accumulate) {
  if (!accumulate) std::memset(row, 0, static_cast<std::size_t>(columns) * sizeof(float));
  for (; token >= 0; token = next[token]) {
    const T* const gradient = dy + token * columns;
    for_vectors(columns, [&](std::int64_t i, auto lanes) {
      store(row + i, load(row + i, lanes) + load(gradient + i, lanes), lanes);
    });
  }
}

/// One feature's row of a transposed table.
template <class T>
void sum_feature(const T* dy, const std::int32_t* ids, std::int64_t tokens, std::int64_t feature,
                 std::int64_t columns, std::int64_t vocabulary, std::int64_t padding_index, float* row,
                 bool accumulate) {
  if (!accumulate) std::memset(row, 0, static_cast<std::size_t>(vocabulary) * sizeof(float));
  for (std::int64_t t = 0; t < tokens; ++t) {
    if (ids[t] != padding_index) row[ids[t]] += widen_value(dy[t * columns + feature]);
  }
}

// ---- launch

template <class W, class R, class T>
void run_look_up(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<EmbeddingArguments>();
  const std::int64_t tokens = call.inputs[1].shape.elements();
  const std::int64_t columns = last_axis(call.outputs[0]);
  const auto* table = call.inputs[0].as<const W>();
  const bool quantized = is_quantized(call.inputs[0].dtype);
  const QuantizedView packed =
      quantized ? view_quantized(call.inputs[0].dtype, call.inputs[0].data, call.inputs[0].shape.elements())
                : QuantizedView{};
  const auto* ids = call.inputs[1].as<const std::int32_t>();
  const auto* apart = call.inputs[2].as<const R>();
  auto* y = call.outputs[0].as<T>();
  run_rows(context.pool, tokens, rows_of_task(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const std::int64_t row = apart == nullptr ? -1 : token_row(arguments.tokens, ids[t]);
      if (row < 0 && quantized) {
        unpack_row(packed, ids[t], y + t * columns, columns);
      } else if (row < 0) {
        look_up(table, ids[t], arguments.vocabulary, arguments.transposed, y + t * columns, columns);
      } else {
        look_up(apart, row, arguments.vocabulary, false, y + t * columns, columns);
      }
    }
  });
}

template <class W, class T>
void run_with_table(KernelContext& context, const KernelCall& call) {
  if (has(call.inputs, 2) && call.inputs[2].dtype == DType::bf16) {
    run_look_up<W, bfloat16, T>(context, call);
  } else {
    run_look_up<W, float, T>(context, call);
  }
}

template <class T>
void run_embedding(KernelContext& context, const KernelCall& call) {
  if (call.inputs[0].dtype == DType::bf16) {
    run_with_table<bfloat16, T>(context, call);
  } else {
    run_with_table<float, T>(context, call);
  }
}

struct Scratch {
  std::int32_t* first;  ///< (V), or (K)
  std::int32_t* next;   ///< (T)
};
Scratch lay_out(Carver& carver, const KernelCall& call) {
  const auto& arguments = call.as<EmbeddingArguments>();
  if (arguments.transposed) return {nullptr, nullptr};
  return {carver.take<std::int32_t>(call.outputs[0].shape.rows()),
          carver.take<std::int32_t>(call.inputs[1].shape.elements())};
}
std::size_t backward_scratch(const KernelCall& call, int) {
  Carver carver;
  lay_out(carver, call);
  return carver.used();
}

template <class T>
void run_backward(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<EmbeddingArguments>();
  const std::int64_t tokens = call.inputs[1].shape.elements();
  const TensorView& out = call.outputs[0];
  const auto* dy = call.inputs[0].as<const T>();
  const auto* ids = call.inputs[1].as<const std::int32_t>();
  auto* dtable = out.as<float>();
  if (out.shape.elements() == 0) return;
  if (arguments.transposed) {
    const std::int64_t vocabulary = arguments.vocabulary;
    const std::int64_t columns = out.shape.rows();
    context.pool.run(columns, [&](std::int64_t feature, int) {
      sum_feature(dy, ids, tokens, feature, columns, vocabulary, arguments.padding_index,
                  dtable + feature * vocabulary, out.accumulate);
    });
    return;
  }
  Carver carver(context.scratch);
  const Scratch scratch = lay_out(carver, call);
  const std::int64_t rows = out.shape.rows();
  const std::int64_t columns = out.shape.columns();
  chain_tokens(arguments, ids, tokens, rows, scratch.first, scratch.next);
  run_rows(context.pool, rows, rows_of_task(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t v = begin; v < end; ++v) {
      sum_chain(dy, scratch.first[v], scratch.next, dtable + v * columns, columns, out.accumulate);
    }
  });
}

}  // namespace

void register_embedding(KernelTable& table) {
  table.add("embedding", DType::f32, {run_embedding<float>, no_scratch});
  table.add("embedding", DType::bf16, {run_embedding<bfloat16>, no_scratch});
  table.add("embedding_backward", DType::f32, {run_backward<float>, backward_scratch});
  table.add("embedding_backward", DType::bf16, {run_backward<bfloat16>, backward_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
