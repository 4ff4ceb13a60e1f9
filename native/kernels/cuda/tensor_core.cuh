#pragma once

// The only place with PTX of our own: matrix fragments, products on tensor cores, asynchronous copies. Names and layouts are
// those of the PTX manual, "Warp-level matrix instructions" and "Data movement: cp.async".

#include <cuda_bf16.h>

#include <cstdint>

namespace attune::cuda {

/// Where a generic address lies in shared memory.
__device__ inline std::uint32_t shared_address(const void* pointer) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

/// Four 8 x 8 matrices of 16-bit elements. Lane l gives the address of row l % 8 of matrix l / 8, 16-byte aligned; it gets, of
/// each matrix, row l / 4, columns 2 (l % 4) and the next.
__device__ inline void load_matrices(std::uint32_t (&d)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
               : "r"(shared_address(row))
               : "memory");
}

/// The same, each matrix transposed.
__device__ inline void load_matrices_transposed(std::uint32_t (&d)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
               : "r"(shared_address(row))
               : "memory");
}

/// c (16 x 8) += a (16 x 16, bf16) b (16 x 8, bf16). Of c lane l has rows l / 4 and l / 4 + 8, columns 2 (l % 4) and the next: c[0], c[1]
/// of the first row, c[2], c[3] of the second. a[0..3]: (row, k) blocks (0, 0), (8, 0), (0, 8), (8, 8); b[0..1]: k 0 and 8.
__device__ inline void multiply_add_bf16(float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/// c (16 x 8) += a (16 x 8, tf32) b (8 x 8, tf32). c as above; a[0..3]: rows l / 4 and l / 4 + 8 at k l % 4, then at k l % 4 + 4; b[0..1]:
/// column l / 4 at k l % 4 and l % 4 + 4.
__device__ inline void multiply_add_tf32(float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/// Rounded to TensorFloat-32: 10 fraction bits, ties away from zero.
__device__ inline std::uint32_t to_tf32(float value) {
  std::uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits;
}

/// A float as the sum of two TensorFloat-32 numbers: three products of them, hi hi + hi lo + lo hi, are good to float32's
/// precision (Ootomo & Yokota 2022, "Recovering single precision accuracy from Tensor Cores").
struct SplitFloat {
  std::uint32_t high;
  std::uint32_t low;
};
__device__ inline SplitFloat split_tf32(float value) {
  const std::uint32_t high = to_tf32(value);
  return {high, to_tf32(value - __uint_as_float(high))};
}

/// Two floats as bf16 in one register, the first in the lower half.
__device__ inline std::uint32_t pack_bf16(float first, float second) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(first, second);
  return *reinterpret_cast<const std::uint32_t*>(&pair);
}

/// 2 to the power of `value`, good to two units in the last place; what is below float32's normal numbers is 0.
__device__ inline float exp2_fast(float value) {
  float power;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(value));
  return power;
}

/// Begins to copy 16 bytes from global to shared memory, both 16-byte aligned; where `bytes` is less, the rest is zeros, and of 0
/// nothing is read.
__device__ inline void copy_async(void* to, const void* from, int bytes = 16) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
               :
               : "r"(shared_address(to)), "l"(__cvta_generic_to_global(from)), "r"(bytes)
               : "memory");
}

/// The same of 8 bytes.
__device__ inline void copy_async_8(void* to, const void* from, int bytes = 8) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;"
               :
               : "r"(shared_address(to)), "l"(__cvta_generic_to_global(from)), "r"(bytes)
               : "memory");
}

/// Ends a group of copies.
__device__ inline void commit_copies() { asm volatile("cp.async.commit_group;" : : : "memory"); }

/// Until all but the last `Groups` groups of this thread have arrived. Others see them after a barrier.
template <int Groups>
__device__ inline void wait_copies() {
  asm volatile("cp.async.wait_group %0;" : : "n"(Groups) : "memory");
}

}  // namespace attune::cuda
