#include "kernels/cuda/stream_read.h"

#include "kernels/cuda/kernels.h"
#include "kernels/stream_read.h"

namespace attune::cuda {
namespace {

void run(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<StreamReadArguments>();
  const std::int64_t packs = arguments.count / 4;
  device_of(context).launch(
      "stream_read", "stream_read",
      {.x = divide_up(packs, std::int64_t{kStreamThreads} * kStreamPacks), .threads = kStreamThreads},
      StreamRead{.data = arguments.data, .kept = nullptr, .packs = packs});
}

}  // namespace

void register_stream_read(KernelTable& table) { table.add("stream_read", DType::f32, {run}); }

}  // namespace attune::cuda
