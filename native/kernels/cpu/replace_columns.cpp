// replace_columns: out = y, but column ids[i] is column rows[i] of z; plus bias.
// replace_columns_backward: dy = d, 0 in the columns ids[i]; dz column rows[i] = d column ids[i].
// y, out, d, dy (T, V); z, dz (T, K); bias (V), f32 or the graph's dtype. Nothing is saved.

#include "kernels/replace_columns.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels, one row each

template <class T>
void copy_row(const T* from, T* to, std::int64_t columns) {
  for_vectors(columns, [&](std::int64_t v, auto lanes) { store(to + v, load(from + v, lanes), lanes); });
}

template <class T, class W>
void replace_row(const T* y, const T* z, const W* bias, const TokenRows& tokens, T* out,
                 std::int64_t columns) {
  if (bias == nullptr) {
    copy_row(y, out, columns);
  } else {
    for_vectors(columns, [&](std::int64_t v, auto lanes) {
      store(out + v, load(y + v, lanes) + load(bias + v, lanes), lanes);
    });
  }
  const std::int32_t* const ids = tokens.ids.data();
  const std::int32_t* const rows = tokens.rows.data();
  const auto count = static_cast<std::int64_t>(tokens.ids.size());
  for (std::int64_t i = 0; i < count; ++i) {
    const float added = bias == nullptr ? 0.0F : widen_value(bias[ids[i]]);
    out[ids[i]] = from_value<T>(widen_value(z[rows[i]]) + added);
  }
}

template <class T>
void split_row(const T* d, const TokenRows& tokens, T* dy, T* dz, std::int64_t columns) {
  copy_row(d, dy, columns);
  const std::int32_t* const ids = tokens.ids.data();
  const std::int32_t* const rows = tokens.rows.data();
  const auto count = static_cast<std::int64_t>(tokens.ids.size());
  for (std::int64_t i = 0; i < count; ++i) {
    dz[rows[i]] = d[ids[i]];
    dy[ids[i]] = from_value<T>(0.0F);
  }
}

// ---- launch

template <class T, class W>
void run_with_bias(KernelContext& context, const KernelCall& call, const W* bias) {
  const TokenRows& tokens = call.as<ReplaceColumnsArguments>().tokens;
  const TensorView& out = call.outputs[0];
  const std::int64_t columns = out.shape.columns();
  const std::int64_t replaced = call.inputs[1].shape.columns();
  const auto* y = call.inputs[0].as<const T>();
  const auto* z = call.inputs[1].as<const T>();
  run_rows(context.pool, out.shape.rows(), rows_of_task(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      replace_row(y + t * columns, z + t * replaced, bias, tokens, out.as<T>() + t * columns, columns);
    }
  });
}

template <class T>
void run_replace(KernelContext& context, const KernelCall& call) {
  const bool biased = has(call.inputs, 2);
  if (biased && call.inputs[2].dtype == DType::bf16) {
    run_with_bias<T>(context, call, call.inputs[2].as<const bfloat16>());
  } else {
    run_with_bias<T>(context, call, biased ? call.inputs[2].as<const float>() : nullptr);
  }
}

template <class T>
void run_backward(KernelContext& context, const KernelCall& call) {
  const TokenRows& tokens = call.as<ReplaceColumnsArguments>().tokens;
  const TensorView& dy = call.outputs[0];
  const TensorView& dz = call.outputs[1];
  const std::int64_t columns = dy.shape.columns();
  const std::int64_t replaced = dz.shape.columns();
  const auto* d = call.inputs[0].as<const T>();
  run_rows(context.pool, dy.shape.rows(), rows_of_task(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      split_row(d + t * columns, tokens, dy.as<T>() + t * columns, dz.as<T>() + t * replaced, columns);
    }
  });
}

}  // namespace

void register_replace_columns(KernelTable& table) {
  table.add("replace_columns", DType::f32, {run_replace<float>, no_scratch});
  table.add("replace_columns", DType::bf16, {run_replace<bfloat16>, no_scratch});
  table.add("replace_columns_backward", DType::f32, {run_backward<float>, no_scratch});
  table.add("replace_columns_backward", DType::bf16, {run_backward<bfloat16>, no_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
