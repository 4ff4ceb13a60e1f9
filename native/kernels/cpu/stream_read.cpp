// stream_read: sums of long runs of floats, the fastest that memory is read. No tensors. Nothing is saved.

#include "kernels/stream_read.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

/// One task: 4 MiB.
constexpr std::int64_t kFloats = std::int64_t{1} << 20;
/// Places that are read at once, far apart: a core has one hardware stream for each, and more of them keep
/// more reads in flight than one does.
constexpr int kStreams = 4;

// ---- kernels ----

/// Returns something that depends on all of it, so that no compiler drops the work.
float read(const float* data, std::int64_t count) {
  const std::int64_t part = count / kStreams;
  Vec sums[2 * kStreams];
  for (Vec& sum : sums) sum = zero();
  for (std::int64_t i = 0; i + 2 * Vec::kWidth <= part; i += 2 * Vec::kWidth) {
#pragma GCC unroll 4
    for (int s = 0; s < kStreams; ++s) {
      sums[2 * s] = sums[2 * s] + load(data + s * part + i);
      sums[2 * s + 1] = sums[2 * s + 1] + load(data + s * part + i + Vec::kWidth);
    }
  }
  Vec total = zero();
  for (const Vec& sum : sums) total = total + sum;
  return reduce_add(total);
}

// ---- launch ----

void run_stream_read(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<StreamReadArguments>();
  context.pool.run(divide_up(arguments.count, kFloats), [&](std::int64_t task, int) {
    const std::int64_t begin = task * kFloats;
    volatile float kept = read(arguments.data + begin, minimum(kFloats, arguments.count - begin));
    static_cast<void>(kept);
  });
}

}  // namespace

void register_stream_read(KernelTable& table) {
  table.add("stream_read", DType::f32, {run_stream_read, nullptr});
}

}  // namespace attune::cpu::ATTUNE_ISA
