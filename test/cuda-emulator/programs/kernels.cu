// Kernels in the style of attune's own, for the emulator to run as nvcc compiled them.

#include <cuda_bf16.h>

#include <cstdint>

namespace {

__device__ __forceinline__ void copy_16(void* to, const void* from, int source_bytes) {
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from), "r"(source_bytes)
               : "memory");
}

template <int Count>
__device__ __forceinline__ void load_matrices(uint32_t (&d)[Count], const void* row) {
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(row));
  if constexpr (Count == 4) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
                 : "r"(address)
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
                 : "=r"(d[0]), "=r"(d[1])
                 : "r"(address)
                 : "memory");
  }
}

__device__ __forceinline__ void multiply(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

constexpr int kTile = 64;
constexpr int kDepth = 32;
constexpr int kStride = kDepth + 8;

__device__ __noinline__ float logistic(float x) { return 1 / (1 + __expf(-x)); }

__device__ float block_sum(float value) {
  __shared__ float partial[32];
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(0xffffffffu, value, offset);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
  __syncthreads();
  float sum = 0;
  for (unsigned warp = 0; warp < blockDim.x / 32; ++warp) sum += partial[warp];
  __syncthreads();
  return sum;
}

}  // namespace

/// c (m, n) = a (m, k) · b (n, k)ᵀ; k is a multiple of 8.
extern "C" __global__ void __launch_bounds__(128)
    matmul(const __nv_bfloat16* a, const __nv_bfloat16* b, float* c, int m, int n, int k) {
  __shared__ __align__(128) __nv_bfloat16 tile_a[2][kTile][kStride];
  __shared__ __align__(128) __nv_bfloat16 tile_b[2][kTile][kStride];
  const int lane = static_cast<int>(threadIdx.x % 32);
  const int warp = static_cast<int>(threadIdx.x / 32);
  const int row0 = static_cast<int>(blockIdx.y) * kTile;
  const int column0 = static_cast<int>(blockIdx.x) * kTile;
  const auto fetch = [&](int stage, int k0) {
    for (int chunk = static_cast<int>(threadIdx.x); chunk < kTile * kDepth / 8; chunk += 128) {
      const int row = chunk / (kDepth / 8);
      const int column = chunk % (kDepth / 8) * 8;
      const bool inside = k0 + column < k;
      copy_16(&tile_a[stage][row][column], a + static_cast<long>(row0 + row) * k + k0 + column,
              inside && row0 + row < m ? 16 : 0);
      copy_16(&tile_b[stage][row][column], b + static_cast<long>(column0 + row) * k + k0 + column,
              inside && column0 + row < n ? 16 : 0);
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
  };
  float sums[2][4][4] = {};
  const int steps = (k + kDepth - 1) / kDepth;
  fetch(0, 0);
  for (int step = 0; step < steps; ++step) {
    if (step + 1 < steps) {
      fetch((step + 1) % 2, (step + 1) * kDepth);
      asm volatile("cp.async.wait_group 1;" ::: "memory");
    } else {
      asm volatile("cp.async.wait_group 0;" ::: "memory");
    }
    __syncthreads();
    for (int k0 = 0; k0 < kDepth; k0 += 16) {
      uint32_t left[2][4];
      for (int i = 0; i < 2; ++i)
        load_matrices(left[i], &tile_a[step % 2][warp / 2 * 32 + 16 * i + lane % 16][k0 + lane / 16 * 8]);
      for (int j = 0; j < 4; ++j) {
        uint32_t right[2];
        load_matrices(right, &tile_b[step % 2][warp % 2 * 32 + 8 * j + lane % 8][k0 + lane / 8 % 2 * 8]);
        for (int i = 0; i < 2; ++i) multiply(sums[i][j], left[i], right);
      }
    }
#ifndef PLANT_MISSING_BARRIER
    __syncthreads();  // the next copy overwrites what is still read
#endif
  }
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 4; ++j) {
      for (int e = 0; e < 4; ++e) {
        const int row = row0 + warp / 2 * 32 + 16 * i + lane / 4 + e / 2 * 8;
        const int column = column0 + warp % 2 * 32 + 8 * j + lane % 4 * 2 + e % 2;
        if (row < m && column < n) c[static_cast<long>(row) * n + column] = sums[i][j][e];
      }
    }
  }
}

/// y = gate(x) / sqrt(mean(x²)) per row of `columns`, a block a row.
extern "C" __global__ void __launch_bounds__(256) gated_norm(const float* x, float* y, int columns) {
  const float* row = x + static_cast<long>(blockIdx.x) * columns;
  float sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < columns; i += static_cast<int>(blockDim.x))
    sum += row[i] * row[i];
  const float scale = rsqrtf(block_sum(sum) / static_cast<float>(columns) + 1e-6f);
  for (int i = static_cast<int>(threadIdx.x); i < columns; i += static_cast<int>(blockDim.x)) {
    y[static_cast<long>(blockIdx.x) * columns + i] = row[i] * logistic(row[i]) * scale;
  }
}

/// No thread meets another here.
extern "C" __global__ void __launch_bounds__(256) halve(const float* x, __nv_bfloat16* y, long count) {
  const long i = (static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x) * 2;
  if (i + 1 < count)
    *reinterpret_cast<__nv_bfloat162*>(y + i) = __floats2bfloat162_rn(0.5f * x[i], 0.5f * x[i + 1]);
  else if (i < count)
    y[i] = __float2bfloat16(0.5f * x[i]);
}
