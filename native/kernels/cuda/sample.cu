// sample: ids[t] drawn from softmax(x[t] / temperature[t]) over what top_k, top_p and min_p keep.
//   x (T, V), temperature, top_k, top_p, min_p (T), uniform (T, 2), ids (T)
// A block has a row. The k-th largest, the least likely that is kept, the last of its equals and the token
// drawn are each the largest place (a key, or an id counted from the end) from which on a sum reaches a
// target. Probabilities are whole numbers: their sums are exact, and in any order the same.

#include "kernels/cuda/sample.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/tensor_core.cuh"
#include "kernels/cuda/warp.cuh"

namespace attune::cuda {
namespace {

using Measure = unsigned long long;

/// A place is found three bits a pass: more need more registers than a thread of such a block has.
constexpr int kDigitBits = 3;
constexpr int kPivots = (1 << kDigitBits) - 1;
constexpr int kKeyShift = 30;
/// Probabilities are multiples of 2^-40 of the likeliest one's: finer than float32, and 2^23 tokens' sum
/// fits.
constexpr float kOne = 0x1p40F;
/// As soon as no more than these are left, further passes read them from shared memory: 16 KiB.
constexpr int kMostListed = 2048;
constexpr float kLog2e = 1.44269504F;
constexpr std::uint32_t kSign = 0x80000000U;
constexpr unsigned kAllLanes = 0xffffffffU;

struct Candidate {
  std::uint32_t key;
  std::int32_t id;
};

struct SampleMemory {
  Measure parts[kSampleMostThreads / kWarp][kPivots];
  std::uint32_t part_counts[kSampleMostThreads / kWarp][kPivots];
  Measure sums[kPivots];
  std::uint32_t counts[kPivots];
  Candidate list[kMostListed];
  std::int32_t listed;
};

/// A number that orders as the value does; NaN as -Infinity, -0 as 0.
__device__ std::uint32_t key_of(float value) {
  const std::uint32_t bits = __float_as_uint(value == value ? value + 0.0F : -__builtin_huge_valf());
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}
__device__ float value_of(std::uint32_t key) {
  return __uint_as_float((key & kSign) != 0 ? key & ~kSign : ~key);
}

/// The logits of a row, or of those from some key on.
template <class T>
struct SampleRow {
  const T* x;
  std::int64_t columns;
  SampleMemory& shared;
  std::int32_t listed = -1;  ///< -1: the whole row

  /// f(key, id) for the logits that fall to this thread.
  template <class F>
  __device__ void each(const F& f) const {
    const auto lane = static_cast<int>(threadIdx.x);
    const auto lanes = static_cast<int>(blockDim.x);
    if (listed >= 0) {
      for (int i = lane; i < listed; i += lanes) f(shared.list[i].key, shared.list[i].id);
      return;
    }
    for_row<T>(columns, lane, lanes, [&]<int N>(std::int64_t c, Count<N>) {
      const Floats<N> values = load<N>(x + c);
#pragma unroll
      for (int i = 0; i < N; ++i) f(key_of(values.v[i]), static_cast<std::int32_t>(c + i));
    });
  }

  /// Goes on with those from this key on alone.
  __device__ void list_from(std::uint32_t least) {
    __syncthreads();
    if (threadIdx.x == 0) shared.listed = 0;
    __syncthreads();
    each([&](std::uint32_t key, std::int32_t id) {
      if (key >= least) shared.list[atomicAdd(&shared.listed, 1)] = {key, id};
    });
    __syncthreads();
    listed = shared.listed;
  }
};

/// Over the lanes of a warp, 27 bits at a time: so many do not overflow 32 bits.
__device__ Measure warp_total(Measure value) {
  constexpr std::uint32_t kPart = (1U << 27) - 1;
  const Measure low = __reduce_add_sync(kAllLanes, static_cast<std::uint32_t>(value) & kPart);
  const Measure middle = __reduce_add_sync(kAllLanes, static_cast<std::uint32_t>(value >> 27) & kPart);
  const Measure high = __reduce_add_sync(kAllLanes, static_cast<std::uint32_t>(value >> 54));
  return low + (middle << 27) + (high << 54);
}

/// Sums and counts of what lies at each pivot or above.
struct PivotSums {
  Measure sums[kPivots] = {};
  std::uint32_t counts[kPivots] = {};
};

/// Over the threads of a block. Every thread gets them. `Pivots`: the first so many.
template <int Pivots, bool Counts>
__device__ void add_up(SampleMemory& shared, PivotSums& own) {
#pragma unroll
  for (int j = 0; j < Pivots; ++j) {
    const Measure sum = warp_total(own.sums[j]);
    if (lane_id() == 0) shared.parts[warp_id()][j] = sum;
    if constexpr (Counts) {
      const std::uint32_t count = __reduce_add_sync(kAllLanes, own.counts[j]);
      if (lane_id() == 0) shared.part_counts[warp_id()][j] = count;
    }
  }
  __syncthreads();
  if (threadIdx.x < Pivots) {
    Measure sum = 0;
    std::uint32_t count = 0;
    for (int warp = 0; warp < static_cast<int>(blockDim.x) / kWarp; ++warp) {
      sum += shared.parts[warp][threadIdx.x];
      if constexpr (Counts) count += shared.part_counts[warp][threadIdx.x];
    }
    shared.sums[threadIdx.x] = sum;
    if constexpr (Counts) shared.counts[threadIdx.x] = count;
  }
  __syncthreads();
#pragma unroll
  for (int j = 0; j < Pivots; ++j) {
    own.sums[j] = shared.sums[j];
    if constexpr (Counts) own.counts[j] = shared.counts[j];
  }
}

template <class T, class MeasureOf>
__device__ Measure sum_of(const SampleRow<T>& row, const MeasureOf& measure) {
  PivotSums own;
  row.each([&](std::uint32_t key, std::int32_t id) { own.sums[0] += measure(key, id); });
  add_up<1, false>(row.shared, own);
  return own.sums[0];
}

template <class T>
__device__ std::uint32_t largest_key(const SampleRow<T>& row) {
  std::uint32_t largest = 0;
  row.each([&](std::uint32_t key, std::int32_t) { largest = max(largest, key); });
  largest = __reduce_max_sync(kAllLanes, largest);
  if (lane_id() == 0) row.shared.part_counts[warp_id()][0] = largest;
  __syncthreads();
  for (int warp = 0; warp < static_cast<int>(blockDim.x) / kWarp; ++warp)
    largest = max(largest, row.shared.part_counts[warp][0]);
  __syncthreads();
  return largest;
}

struct Found {
  std::uint32_t place = 0;
  Measure from = 0;   ///< sum from it on
  Measure above = 0;  ///< sum of what is beyond it
};

/// The largest place from which on the sum reaches `target`, which is above 0 and not above the whole sum.
/// `shift`: of the highest digit. `Lists`: places are keys, and nothing below the place is asked for again.
template <bool Lists, class T, class PlaceOf, class MeasureOf>
__device__ Found find(SampleRow<T>& row, int shift, Measure target, const PlaceOf& place,
                      const MeasureOf& measure) {
  Found found;
  std::int64_t count = row.columns;
#pragma unroll 1
  for (; shift >= 0; shift -= kDigitBits) {
    if (Lists && row.listed < 0 && count <= kMostListed) row.list_from(found.place);
    PivotSums own;
    row.each([&](std::uint32_t key, std::int32_t id) {
      const std::uint32_t at = place(key, id);
      if (at < found.place) return;
      const std::uint32_t digit = (at - found.place) >> shift;
      const Measure here = measure(key, id);
#pragma unroll
      for (int j = 0; j < kPivots; ++j) {
        if (digit <= j) continue;
        own.sums[j] += here;
        if constexpr (Lists) own.counts[j] += 1;
      }
    });
    add_up<kPivots, Lists>(row.shared, own);
    std::uint32_t digit = 0;
#pragma unroll
    for (int j = 0; j < kPivots; ++j) {
      if (own.sums[j] >= target) {
        digit = j + 1;
        found.from = own.sums[j];
        if constexpr (Lists) count = own.counts[j];
      } else if (digit == j) {
        found.above = own.sums[j];
      }
    }
    found.place += digit << shift;
  }
  return found;
}

/// The weight of a key: exp((value - largest) / temperature), as a multiple of 1 / kOne.
struct Weight {
  std::uint32_t largest_key;
  float largest;
  float scale;  ///< log2(e) / temperature
  __device__ Measure operator()(std::uint32_t key) const {
    // Not computed: an infinite largest has no difference.
    if (key == largest_key) return static_cast<Measure>(kOne);
    return __float2ull_rn(exp2_fast((value_of(key) - largest) * scale) * kOne);
  }
};

/// p of a sum, rounded up; at least 1.
__device__ Measure share_of(Measure sum, float p) {
  const Measure share = __float2ull_rz(p * 0x1p63F);
  const Measure whole = __umul64hi(share, 2 * sum) + (share * (2 * sum) != 0 ? 1 : 0);
  return max(whole, Measure{1});
}

/// uniform of a sum, rounded down.
__device__ Measure drawn_of(Measure sum, const std::int32_t* uniform) {
  const Measure bits = (static_cast<Measure>(uniform[0]) << 26) + static_cast<Measure>(uniform[1]);
  return __umul64hi(bits, sum) << 11 | bits * sum >> 53;
}

template <class T>
__device__ void sample(const Sample& a) {
  __shared__ SampleMemory shared;
  const std::int64_t t = blockIdx.x;
  const auto end = static_cast<std::int32_t>(a.columns - 1);
  SampleRow<T> row{static_cast<const T*>(a.x) + t * a.columns, a.columns, shared};
  const std::uint32_t best = largest_key(row);
  if (best <= key_of(-__builtin_huge_valf())) {
    if (threadIdx.x == 0) a.ids[t] = 0;
    return;
  }
  const Weight weight{best, value_of(best), kLog2e / a.temperature[t]};
  const auto key_place = [](std::uint32_t key, std::int32_t) { return key; };
  const auto id_place = [&](std::uint32_t, std::int32_t id) { return static_cast<std::uint32_t>(end - id); };
  const int id_shift = (31 - __clz(end | 1)) / kDigitBits * kDigitBits;
  // Kept are keys above `least`, and of its equals those up to `last`.
  std::uint32_t least = 0;
  std::int32_t last = end;

  const std::int32_t k = a.top_k[t];
  if (k > 0 && k < a.columns) {
    const auto one = [](std::uint32_t, std::int32_t) { return Measure{1}; };
    least = find<true>(row, kKeyShift, static_cast<Measure>(k), key_place, one).place;
  }
  if (a.top_p[t] < 1.0F) {
    const std::uint32_t of_top_k = least;
    const auto kept = [&](std::uint32_t key, std::int32_t) { return key >= of_top_k ? weight(key) : 0; };
    const Measure target = share_of(sum_of(row, kept), a.top_p[t]);
    const Found found = find<true>(row, kKeyShift, target, key_place, kept);
    least = found.place;
    const Measure each = weight(least);
    const Measure equals = (target - found.above + each - 1) / each;
    if (equals * each < found.from - found.above) {
      const auto is_equal = [&](std::uint32_t key, std::int32_t) { return Measure{key == least ? 1U : 0U}; };
      last = end - static_cast<std::int32_t>(find<false>(row, id_shift, equals, id_place, is_equal).place);
    }
  }
  if (a.min_p[t] > 0.0F) {
    const std::uint32_t bound = min(best, key_of(weight.largest + a.temperature[t] * logf(a.min_p[t])));
    if (bound > least) last = end;
    least = max(least, bound);
  }
  const auto kept = [&](std::uint32_t key, std::int32_t id) {
    return key > least || (key == least && id <= last) ? weight(key) : 0;
  };
  const Measure passed = drawn_of(sum_of(row, kept), a.uniform + 2 * t) + 1;
  const std::uint32_t place = find<false>(row, id_shift, passed, id_place, kept).place;
  if (threadIdx.x == 0) a.ids[t] = end - static_cast<std::int32_t>(place);
}

ATTUNE_ENTRIES(sample, Sample, kSampleMostThreads, 1)

}  // namespace
}  // namespace attune::cuda
