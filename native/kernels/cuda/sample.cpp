#include "kernels/cuda/sample.h"

#include "kernels/cuda/kernels.h"

namespace attune::cuda {
namespace {

/// Of a thread, at least, so that short rows have small blocks: a block's sums cost more than a few elements.
constexpr std::int64_t kElements = 16;

void run(KernelContext& context, const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const std::int64_t columns = x.shape.columns();
  const std::int64_t warps =
      std::clamp<std::int64_t>(divide_up(columns, kElements * 32), 1, kSampleMostThreads / 32);
  const Sample arguments{.x = x.data,
                         .columns = columns,
                         .temperature = call.inputs[1].as<const float>(),
                         .top_k = call.inputs[2].as<const std::int32_t>(),
                         .top_p = call.inputs[3].as<const float>(),
                         .min_p = call.inputs[4].as<const float>(),
                         .uniform = call.inputs[5].as<const std::int32_t>(),
                         .ids = call.outputs[0].as<std::int32_t>()};
  device_of(context).launch("sample", entry("sample", x.dtype),
                            {.x = x.shape.rows(), .threads = static_cast<int>(warps) * 32}, arguments);
}

}  // namespace

void register_sample(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) table.add("sample", dtype, {run});
}

}  // namespace attune::cuda
