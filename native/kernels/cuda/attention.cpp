#include "kernels/cuda/attention_call.h"

namespace attune::cuda {
namespace {

struct ForwardScratch {
  BiasValues bias;
  SegmentInputs segments;

  ForwardScratch(Scratch& scratch, const KernelCall& call)
      : bias(scratch, call.as<AttentionArguments>(), call.inputs, 5, longest(call)),
        segments(scratch, call.inputs, 3) {}

  static std::int64_t longest(const KernelCall& call) {
    const std::int64_t queries = call.inputs[0].shape.rows();
    return has(call.inputs, 1) ? std::max(queries, call.inputs[1].shape.rows()) : queries;
  }
};

std::size_t scratch_of(const KernelCall& call, int /*threads*/) {
  Scratch scratch;
  static_cast<void>(ForwardScratch(scratch, call));
  return scratch.bytes();
}

void run_attention(KernelContext& context, const KernelCall& call) {
  const auto& a = call.as<AttentionArguments>();
  Scratch scratch_memory(context.scratch.data());
  const ForwardScratch scratch(scratch_memory, call);
  scratch.bias.fill(device_of(context), a);
  const auto in = projections_of<const void>(a, call.inputs);
  launch_forward(context,
                 {.q = in.q,
                  .k = in.k,
                  .v = in.v,
                  .o = side_by_side(call.outputs[0].data, a.heads, a.head_dim),
                  .lse = data_of<float>(call.outputs, 1),
                  .segments = scratch.segments.on(device_of(context)),
                  .rule = score_rule(a, device_of(context).random(), scratch.bias),
                  .counts = head_counts(a)},
                 call.inputs[0].dtype, call.inputs[0].shape.rows());
}

}  // namespace

void register_attention(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16})
    table.add("attention", dtype, {run_attention, scratch_of, check_head_size});
}

}  // namespace attune::cuda
