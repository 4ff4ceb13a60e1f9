// dropout: y[i] = x[i] / (1 - p), or 0 where word i % 4 of philox(key, i / 4) is below the threshold of p.
// Any shape; x, y alike. y may be x.
// The backward needs nothing: it is the same op on dy, and the mask is made again.

#include "kernels/dropout.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"
#include "kernels/cpu/philox_lanes.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels

constexpr std::int64_t kBlock = 4 * kPhiloxLanes;
static_assert(kTaskElements % kBlock == 0, "a task begins at a whole counter");

/// Elements [begin, end), begin a multiple of kBlock.
template <class T>
void drop_elements(const T* x, T* y, std::int64_t begin, std::int64_t end, const PhiloxKey& key,
                   std::uint32_t threshold, float scale) {
  for (std::int64_t block = begin; block < end; block += kBlock) {
    std::uint64_t counters[kPhiloxLanes];
    for (int lane = 0; lane < kPhiloxLanes; ++lane) {
      counters[lane] = static_cast<std::uint64_t>(block / 4 + lane);
    }
    std::uint32_t words[4][kPhiloxLanes];
    philox_lanes(key, counters, words);
    alignas(64) float factors[kBlock];
    for (int lane = 0; lane < kPhiloxLanes; ++lane) {
      for (int word = 0; word < 4; ++word)
        factors[4 * lane + word] = words[word][lane] < threshold ? 0.0F : scale;
    }
    for_vectors(minimum(kBlock, end - block), [&](std::int64_t i, auto lanes) {
      // A dropped element is 0 even where x is not finite.
      const Vec factor = load(factors + i);
      const Vec kept = load(x + block + i, lanes) * factor;
      store(y + block + i, select(less(zero(), factor), kept, zero()), lanes);
    });
  }
}

// ---- launch

template <class T>
void run_dropout(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<DropoutArguments>();
  PhiloxKey key = context.random;
  key.stream = arguments.stream;
  const std::uint32_t threshold = drop_below(arguments.p);
  const float scale = dropout_scale(arguments.p);
  const auto* x = call.inputs[0].as<const T>();
  auto* y = call.outputs[0].as<T>();
  run_elements(context.pool, call.outputs[0].shape.elements(), [&](std::int64_t begin, std::int64_t end) {
    drop_elements(x, y, begin, end, key, threshold, scale);
  });
}

}  // namespace

void register_dropout(KernelTable& table) {
  table.add("dropout", DType::f32, {run_dropout<float>, no_scratch});
  table.add("dropout", DType::bf16, {run_dropout<bfloat16>, no_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
