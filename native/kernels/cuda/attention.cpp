#include "kernels/cuda/attention_call.h"

namespace attune::cuda {
namespace {

BiasValues bias_in(Scratch& scratch, const KernelCall& call) {
  const std::int64_t queries = call.inputs[0].shape.rows();
  const std::int64_t keys = has(call.inputs, 1) ? call.inputs[1].shape.rows() : queries;
  return {scratch, call.as<AttentionArguments>(), call.inputs, 5, std::max(queries, keys)};
}

std::size_t scratch_of(const KernelCall& call, int /*threads*/) {
  Scratch scratch;
  static_cast<void>(bias_in(scratch, call));
  return scratch.bytes();
}

void run_attention(KernelContext& context, const KernelCall& call) {
  const auto& a = call.as<AttentionArguments>();
  Scratch scratch(context.scratch.data());
  const BiasValues bias = bias_in(scratch, call);
  bias.fill(device_of(context), a);
  const auto in = projections_of<const void>(a, call.inputs);
  const std::size_t key_starts = has(call.inputs, 4) ? 4 : 3;
  launch_forward(context,
                 {.q = in.q,
                  .k = in.k,
                  .v = in.v,
                  .o = side_by_side(call.outputs[0].data, a.heads, a.head_dim),
                  .lse = data_of<float>(call.outputs, 1),
                  .segments = {.queries = call.inputs[3].as<const std::int32_t>(),
                               .keys = call.inputs[key_starts].as<const std::int32_t>(),
                               .count = static_cast<int>(call.inputs[3].shape.rows() - 1)},
                  .rule = score_rule(a, device_of(context).random(), bias),
                  .counts = head_counts(a)},
                 call.inputs[0].dtype, call.inputs[0].shape.rows());
}

}  // namespace

void register_attention(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16})
    table.add("attention", dtype, {run_attention, scratch_of, check_head_size});
}

}  // namespace attune::cuda
