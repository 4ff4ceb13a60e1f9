#include "kernels/stream_read.h"

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/stream_read.h"

namespace attune::cuda {
namespace {

void run(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<StreamReadArguments>();
  device_of(context).launch("stream_read", "stream_read",
                            {.x = divide_up(arguments.count, 4 * kReadsOfBlock), .threads = kReadThreads},
                            StreamRead{.data = arguments.data, .count = arguments.count, .never = nullptr});
}

}  // namespace

void register_stream_read(KernelTable& table) { table.add("stream_read", DType::f32, {run}); }

}  // namespace attune::cuda
