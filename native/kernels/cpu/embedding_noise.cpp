// embedding_noise: y = x + alpha / sqrt(L C) * u, u uniform in [-1, 1) from philox(key, element / 4)[element
// % 4], L the rows of the segment.   x, y (T, C); cu_seqlens i32 (S + 1). y may be x. The backward needs
// nothing: the gradient passes through.

#include "kernels/embedding_noise.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"
#include "kernels/cpu/philox_lanes.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels

constexpr std::int64_t kBlock = 4 * kPhiloxLanes;

/// Elements [begin, end) of the whole tensor: blocks of counters, of which the first may begin before.
template <class T>
void add_noise(const T* x, T* y, std::int64_t begin, std::int64_t end, const PhiloxKey& key,
               float magnitude) {
  for (std::int64_t block = begin / 4 * 4; block < end; block += kBlock) {
    std::uint64_t counters[kPhiloxLanes];
    for (int lane = 0; lane < kPhiloxLanes; ++lane) {
      counters[lane] = static_cast<std::uint64_t>(block / 4 + lane);
    }
    std::uint32_t words[4][kPhiloxLanes];
    philox_lanes(key, counters, words);
    alignas(64) float noise[kBlock];
    for (int lane = 0; lane < kPhiloxLanes; ++lane) {
      for (int word = 0; word < 4; ++word) {
        // 24 bits: every value is exact.
        const auto unit = static_cast<float>(words[word][lane] >> 8) * 0x1p-23F - 1.0F;
        noise[4 * lane + word] = magnitude * unit;
      }
    }
    const std::int64_t first = maximum(begin, block);
    const std::int64_t last = minimum(end, block + kBlock);
    for_vectors(last - first, [&](std::int64_t i, auto lanes) {
      store(y + first + i, load(x + first + i, lanes) + load(noise + (first - block) + i, lanes), lanes);
    });
  }
}

// ---- launch: a segment per task

template <class T>
void run_embedding_noise(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<EmbeddingNoiseArguments>();
  PhiloxKey key = context.random;
  key.stream = arguments.stream;
  const std::int64_t columns = call.inputs[0].shape.columns();
  const auto* x = call.inputs[0].as<const T>();
  const auto* starts = call.inputs[1].as<const std::int32_t>();
  auto* y = call.outputs[0].as<T>();
  context.pool.run(call.inputs[1].shape.rows() - 1, [&](std::int64_t s, int) {
    const std::int64_t begin = starts[s] * columns;
    const std::int64_t end = starts[s + 1] * columns;
    const float magnitude = arguments.alpha / __builtin_sqrtf(static_cast<float>(maximum(1, end - begin)));
    add_noise(x, y, begin, end, key, magnitude);
  });
}

}  // namespace

void register_embedding_noise(KernelTable& table) {
  table.add("embedding_noise", DType::f32, {run_embedding_noise<float>, no_scratch});
  table.add("embedding_noise", DType::bf16, {run_embedding_noise<bfloat16>, no_scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
