// sample: ids[t] drawn from softmax(x[t] / temperature[t]) over what top_k, top_p and min_p keep.
//   x (T, V), temperature, top_k, top_p, min_p (T), uniform (T, 2), ids (T). Nothing is saved.

#include "kernels/sample.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

constexpr float kLeast = -__builtin_inff();
/// The largest of each block is known, and blocks without a candidate are not looked at again: 64 elements
/// are a few vectors, and a vocabulary has blocks enough for the usual top_k.
constexpr std::int64_t kBlock = 64;
/// Digits of a key, the highest first: three passes, whose bins stay in the first level of a cache.
constexpr int kDigitBits[] = {11, 11, 10};
constexpr std::int64_t kBins = 1 << 11;

/// Of one thread, for one row.
struct Scratch {
  float* most;        ///< of each block
  float* values;      ///< what is left, in the order of ids
  float* weights;     ///< exp((value - largest) / temperature)
  std::int32_t* ids;  ///< of each value
  double* bins;
};

Scratch lay_out(Carver& carver, std::int64_t columns) {
  Scratch scratch{};
  scratch.most = carver.take<float>(divide_up(columns, kBlock));
  scratch.values = carver.take<float>(columns);
  scratch.weights = carver.take<float>(columns);
  scratch.ids = carver.take<std::int32_t>(columns);
  scratch.bins = carver.take<double>(kBins);
  return scratch;
}

std::size_t row_bytes(std::int64_t columns) {
  Carver carver;
  lay_out(carver, columns);
  return carver.used();
}

// ---- kernel, one row

/// A number that orders as the float does.
ATTUNE_INLINE std::uint32_t key_of(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value + 0.0F);  // -0 becomes 0
  return (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
}

/// The largest of each block, kLeast where there is nothing but NaN; and of all.
template <class T>
float block_maxima(const T* x, std::int64_t columns, float* most) {
  float best = kLeast;
  for (std::int64_t block = 0; block * kBlock < columns; ++block) {
    const T* const at = x + block * kBlock;
    Vec here = broadcast(kLeast);
    for_vectors(minimum(kBlock, columns - block * kBlock), [&](std::int64_t v, auto lanes) {
      here = max(only(load(at + v, lanes), here, lanes), here);
    });
    most[block] = reduce_max(here);
    if (most[block] > best) best = most[block];
  }
  return best;
}

/// The values from `least` on. What is -Infinity or NaN is never drawn.
template <class T>
std::int64_t gather(const T* x, std::int64_t columns, float least, const Scratch& row) {
  std::int64_t count = 0;
  for (std::int64_t block = 0; block * kBlock < columns; ++block) {
    if (!(row.most[block] >= least) || row.most[block] == kLeast) continue;
    const std::int64_t end = minimum(columns, (block + 1) * kBlock);
    for (std::int64_t id = block * kBlock; id < end; ++id) {
      const float value = widen_value(x[id]);
      row.values[count] = value;
      row.ids[count] = static_cast<std::int32_t>(id);
      count += static_cast<int>(value >= least) & static_cast<int>(value > kLeast);
    }
  }
  return count;
}

/// Where the sum of measures, from the largest value down, reaches a target.
struct Cut {
  std::uint32_t key;  ///< the largest from which on there is so much
  double above;       ///< sum of what is larger
};

template <class Measure>
Cut cut_at(const float* values, std::int64_t count, double target, double* bins, const Measure& measure) {
  Cut cut{};
  int shift = 32;
  for (const int bits : kDigitBits) {
    const std::uint64_t above_digit = std::uint64_t{cut.key} >> shift;
    shift -= bits;
    const std::uint32_t last = (1U << bits) - 1;
    for (std::uint32_t bin = 0; bin <= last; ++bin) bins[bin] = 0.0;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::uint64_t key = key_of(values[i]);
      if (key >> (shift + bits) == above_digit) bins[(key >> shift) & last] += measure(i);
    }
    std::uint32_t bin = last;
    for (; bin > 0 && cut.above + bins[bin] < target; --bin) cut.above += bins[bin];
    cut.key |= bin << shift;
  }
  return cut;
}

/// Leaves what `keeps` says, called in the order of ids.
template <class Keeps>
std::int64_t keep(const Scratch& row, std::int64_t count, const Keeps& keeps) {
  std::int64_t left = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    row.values[left] = row.values[i];
    row.weights[left] = row.weights[i];
    row.ids[left] = row.ids[i];
    left += static_cast<int>(keeps(i));
  }
  return left;
}

/// Four running sums hide the latency of an addition.
double sum_of_weights(const Scratch& row, std::int64_t count) {
  double sums[4] = {};
  std::int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (int lane = 0; lane < 4; ++lane) sums[lane] += static_cast<double>(row.weights[i + lane]);
  }
  for (; i < count; ++i) sums[0] += static_cast<double>(row.weights[i]);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

void weigh(const Scratch& row, std::int64_t count, float largest, float temperature) {
  const Vec most = broadcast(largest);
  for_vectors(count, [&](std::int64_t i, auto lanes) {
    const Vec value = load(row.values + i, lanes);
    const Vec weight = exp((value - most) / broadcast(temperature));
    // Of an infinite largest the difference is NaN.
    store(row.weights + i, select(less(value, most), weight, broadcast(1.0F)), lanes);
  });
}

std::int64_t keep_top_k(const Scratch& row, std::int64_t count, std::int64_t k) {
  const Cut cut =
      cut_at(row.values, count, static_cast<double>(k), row.bins, [](std::int64_t) { return 1.0; });
  return keep(row, count, [&](std::int64_t i) { return key_of(row.values[i]) >= cut.key; });
}

/// `columns`: of the row, which has at least so many.
std::int64_t keep_top_p(const Scratch& row, std::int64_t count, double p, std::int64_t columns) {
  const double sum = sum_of_weights(row, count);
  // Tokens so unlikely that all of them together stay below 1 - p go first: few are left to be sorted out.
  const double unlikely = (1.0 - p) * sum / static_cast<double>(2 * columns);
  count = keep(row, count, [&](std::int64_t i) { return static_cast<double>(row.weights[i]) >= unlikely; });
  // A target of 0 would be reached above all of them.
  constexpr double kSmall = 0x1p-1000;
  const Cut cut = cut_at(row.values, count, p * sum > kSmall ? p * sum : kSmall, row.bins,
                         [&](std::int64_t i) { return static_cast<double>(row.weights[i]); });
  // The largest stays whatever p is, and of its equals the first.
  double before = cut.above;
  return keep(row, count, [&](std::int64_t i) {
    const std::uint32_t key = key_of(row.values[i]);
    if (key != cut.key) return key > cut.key;
    const bool kept = before == 0.0 || before < p * sum;
    before += static_cast<double>(row.weights[i]);
    return kept;
  });
}

std::int32_t draw(const Scratch& row, std::int64_t count, double uniform) {
  const double target = uniform * sum_of_weights(row, count);
  double sum = 0.0;
  std::int64_t i = 0;
  for (; i + 1 < count; ++i) {
    sum += static_cast<double>(row.weights[i]);
    if (target < sum) break;
  }
  // Rounding may leave the sum a little below the whole, and a weight may be 0.
  while (i > 0 && row.weights[i] == 0.0F) --i;
  return row.ids[i];
}

struct Settings {
  float temperature;
  std::int64_t top_k;
  double top_p;
  float min_p;
  double uniform;
};

template <class T>
std::int32_t sample(const T* x, std::int64_t columns, const Settings& settings, const Scratch& row) {
  const float largest = block_maxima(x, columns, row.most);
  if (largest == kLeast) return 0;
  const std::int64_t blocks = divide_up(columns, kBlock);
  const bool chooses = settings.top_k > 0 && settings.top_k < columns;
  float least = kLeast;
  if (chooses && settings.top_k <= blocks) {
    // So many blocks have an element from here on, so the k-th largest of all is no less.
    const Cut cut = cut_at(row.most, blocks, static_cast<double>(settings.top_k), row.bins,
                           [](std::int64_t) { return 1.0; });
    const bool positive = (cut.key & 0x80000000U) != 0;
    least = std::bit_cast<float>(positive ? cut.key & 0x7fffffffU : ~cut.key);
  }
  std::int64_t count = gather(x, columns, least, row);
  if (chooses && settings.top_k < count) count = keep_top_k(row, count, settings.top_k);
  weigh(row, count, largest, settings.temperature);
  if (settings.top_p < 1.0) count = keep_top_p(row, count, settings.top_p, columns);
  if (settings.min_p > 0.0F)
    count = keep(row, count, [&](std::int64_t i) { return row.weights[i] >= settings.min_p; });
  return draw(row, count, settings.uniform);
}

// ---- launch: a row per task

std::size_t scratch_of(const KernelCall& call, int threads) {
  return row_bytes(call.inputs[0].shape.columns()) * static_cast<std::size_t>(threads);
}

template <class T>
void run(KernelContext& context, const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const std::int64_t columns = x.shape.columns();
  const std::size_t bytes = row_bytes(columns);
  const auto* const bits = call.inputs[5].as<const std::int32_t>();
  auto* const ids = call.outputs[0].as<std::int32_t>();
  context.pool.run(x.shape.rows(), [&](std::int64_t t, int thread) {
    Carver carver(context.scratch.subspan(bytes * static_cast<std::size_t>(thread), bytes));
    const Settings settings{.temperature = call.inputs[1].as<const float>()[t],
                            .top_k = call.inputs[2].as<const std::int32_t>()[t],
                            .top_p = static_cast<double>(call.inputs[3].as<const float>()[t]),
                            .min_p = call.inputs[4].as<const float>()[t],
                            .uniform = (bits[2 * t] * 0x1p26 + bits[2 * t + 1]) * 0x1p-53};
    ids[t] = sample(x.as<const T>() + t * columns, columns, settings, lay_out(carver, columns));
  });
}

}  // namespace

void register_sample(KernelTable& table) {
  table.add("sample", DType::f32, {run<float>, scratch_of});
  table.add("sample", DType::bf16, {run<bfloat16>, scratch_of});
}

}  // namespace attune::cpu::ATTUNE_ISA
