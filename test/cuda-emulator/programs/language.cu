// The parts of CUDA C++ that attune's kernels use beyond single instructions, each small enough to be checked
// by hand.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

namespace {

/// Arguments as a whole: 4 KiB is the most that a kernel takes.
struct Arguments {
  float4 weights[2];
  int32_t rows[3];
  float* to;
  float table[1002];
};
static_assert(sizeof(Arguments) == 4064);

struct Pair {
  float first;
  int64_t second;
};

__device__ __noinline__ Pair swap_and_scale(Pair pair, float by) {
  return {static_cast<float>(pair.second) * by, static_cast<int64_t>(pair.first * by)};
}

__device__ __noinline__ float sum_of(const float* values, int count) {
  float sum = 0;
  for (int i = 0; i < count; ++i) sum += values[i];
  return sum;
}

/// Shared by two kernels, so it belongs to the module and not to either.
__device__ float first_of_block(float value) {
  __shared__ float first;
  if (threadIdx.x == 0) first = value;
  __syncthreads();
  return first;
}

/// One round of Philox 4x32.
__device__ __forceinline__ uint4 philox_round(uint4 counter, uint2 key) {
  const uint32_t high0 = __umulhi(0xD2511F53u, counter.x);
  const uint32_t high1 = __umulhi(0xCD9E8D57u, counter.z);
  return {high1 ^ counter.y ^ key.x, 0xCD9E8D57u * counter.z, high0 ^ counter.w ^ key.y,
          0xD2511F53u * counter.x};
}

}  // namespace

/// to[i] = a weight by computed offset, plus table[i · rows[1] % 1002].
extern "C" __global__ void struct_by_value(const __grid_constant__ Arguments arguments) {
  const int i = static_cast<int>(threadIdx.x);
  const float* weights = reinterpret_cast<const float*>(arguments.weights);
  const float4 all = arguments.weights[i % 2];
  arguments.to[i] = weights[i % 8] + arguments.table[i * arguments.rows[1] % 1002] + all.x * all.w;
}

extern "C" __global__ void functions_and_arrays(float* to, int64_t* quotients, int64_t divisor) {
  const int i = static_cast<int>(threadIdx.x);
  float values[40];
  for (int k = 0; k < 40; ++k) values[(k * 7 + i) % 40] = static_cast<float>(k + i);
  const Pair pair = swap_and_scale({static_cast<float>(i), i + 10}, 3);
  to[i] = sum_of(values, 20 + i % 20) + pair.first + static_cast<float>(pair.second);
  const int64_t large = (int64_t{i} - 16) * 0x100000001;
  quotients[2 * i] = large / divisor;
  quotients[2 * i + 1] = large % divisor;
}

extern __shared__ __align__(16) unsigned char dynamic_memory[];

/// Rows of the block in dynamic shared memory behind 40 000 bytes of static, read back to front.
extern "C" __global__ void dynamic_shared(const float4* from, float4* to) {
  __shared__ float large[10000];
  auto* rows = reinterpret_cast<float4*>(dynamic_memory);
  rows[threadIdx.x] = __ldg(from + threadIdx.x);
  large[threadIdx.x] = first_of_block(static_cast<float>(threadIdx.x + 5));
  __syncthreads();
  float4 row = rows[blockDim.x - 1 - threadIdx.x];
  row.x += large[blockDim.x - 1 - threadIdx.x];
  to[threadIdx.x] = row;
}

/// As much static shared memory once more: the sum of both kernels' is more than a block may have.
extern "C" __global__ void static_shared(float* to) {
  __shared__ float large[10000];
  large[threadIdx.x] = first_of_block(2);
  __syncthreads();
  to[threadIdx.x] = large[blockDim.x - 1 - threadIdx.x];
}

extern "C" __global__ void philox(uint4* to, uint2 key) {
  uint4 counter{threadIdx.x, 0, 7, 0xffffffffu - threadIdx.x};
  for (int round = 0; round < 10; ++round) {
    counter = philox_round(counter, key);
    key.x += 0x9E3779B9u;
    key.y += 0xBB67AE85u;
  }
  to[threadIdx.x] = counter;
}

/// What CUDA's headers make of pairs of bf16 on a GPU that has only their fma.
extern "C" __global__ void pairs(const __nv_bfloat162* a, const __nv_bfloat162* b, __nv_bfloat162* to) {
  const unsigned i = threadIdx.x;
  to[5 * i] = __hadd2(a[i], b[i]);
  to[5 * i + 1] = __hmul2(a[i], b[i]);
  to[5 * i + 2] = __hfma2(a[i], b[i], a[i]);
  to[5 * i + 3] = __hmax2(a[i], b[i]);
  to[5 * i + 4] = __floats2bfloat162_rn(tanhf(__low2float(a[i])), __high2float(b[i]));
}

/// A sum over all blocks by atomics, of what warps have summed by shuffles.
extern "C" __global__ void atomic_sum(const float* x, float* sum, int count) {
  float value = 0;
  const int step = static_cast<int>(gridDim.x * blockDim.x);
  for (int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); i < count; i += step) value += x[i];
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(0xffffffffu, value, offset);
  if (threadIdx.x % 32 == 0) atomicAdd(sum, value);
}
