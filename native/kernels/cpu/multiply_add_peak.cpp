// multiply_add_peak: x = x * a + b in registers alone, the most this processor can do in float32 with this
// instruction set. No tensors. Nothing is saved.

#include "kernels/multiply_add_peak.h"

#include "core/thread_pool.h"
#include "kernels/cpu/kernels.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

/// Two units of 4 to 5 cycles' latency need 10 sums in flight, the four of some ARM processors 16. 12 leave
/// room among 16 registers, 24 among 32.
constexpr int kSums = Vec::kRegisters == 32 ? 24 : 12;

// ---- kernels ----

/// Returns something that depends on all of it, so that no compiler drops the work.
float multiply_add(std::int64_t iterations) {
  Vec sums[kSums];
  for (int i = 0; i < kSums; ++i) sums[i] = broadcast(static_cast<float>(i));
  const Vec factor = broadcast(0.999F);
  const Vec term = broadcast(0.001F);
  for (std::int64_t iteration = 0; iteration < iterations; ++iteration) {
#pragma GCC unroll 24
    for (Vec& sum : sums) sum = fma(sum, factor, term);
  }
  Vec total = zero();
  for (const Vec& sum : sums) total = total + sum;
  return reduce_add(total);
}

// ---- launch ----

void run_multiply_add_peak(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<MultiplyAddPeakArguments>();
  const int threads = context.pool.threads();
  context.pool.run(threads, [&](std::int64_t, int) {
    volatile float kept = multiply_add(arguments.iterations);
    static_cast<void>(kept);
  });
  *arguments.operations = 2.0 * kSums * Vec::kWidth * static_cast<double>(arguments.iterations) * threads;
}

}  // namespace

void register_multiply_add_peak(KernelTable& table) {
  table.add("multiply_add_peak", DType::f32, {run_multiply_add_peak, nullptr});
}

}  // namespace attune::cpu::ATTUNE_ISA
