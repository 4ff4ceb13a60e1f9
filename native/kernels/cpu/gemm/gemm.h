#pragma once

#include <optional>

#include "core/thread_pool.h"
#include "kernels/activation.h"
#include "kernels/cpu/simd.h"
#include "kernels/kernel.h"

namespace attune::cpu::ATTUNE_ISA {

/// A matrix by its strides, in elements: element (i, j) is data[i * row_stride + j * column_stride]. The
/// transposed matrix is the same data with the strides swapped. float32 or bfloat16; B may be quantised, with
/// neighbours of one axis side by side (core/quantization.h).
struct Matrix {
  const void* data = nullptr;
  DType dtype = DType::f32;
  std::int64_t row_stride = 0;
  std::int64_t column_stride = 1;
  std::int64_t elements = 0;  ///< of the whole tensor, where it is quantised: its scales lie behind
};

/// alpha A (M, depth) B (depth, N).
struct Product {
  Matrix a;
  Matrix b;
  std::int64_t depth = 0;
  float alpha = 1.0F;
};

/// Panels of the first product's A or B, packed once and whole for several products that read it.
struct KeptPanels {
  enum class Factor : std::uint8_t { none, a, b };

  Factor factor = Factor::none;
  float* data = nullptr;  ///< kept_form() says how much
  bool packed = false;    ///< by a product before

  /// The first of a Gemm's products whose A, or B, is not among them.
  [[nodiscard]] int first_missing(Factor of) const { return factor == of && packed ? 1 : 0; }
};

/// C (M, N) = sum of the products + bias (N) + addend (M, N) + (accumulate ? C : 0).
/// Sums are float32, whatever the types; C is rounded once, at the end. `addend` may be C's own memory.
struct Gemm {
  static constexpr int kMaximumProducts = 2;

  std::int64_t rows = 0;     ///< M
  std::int64_t columns = 0;  ///< N
  Product products[kMaximumProducts];
  int product_count = 0;
  Matrix bias;    ///< data null: none; contiguous
  Matrix addend;  ///< data null: none; column_stride must be 1
  void* c = nullptr;
  DType c_dtype = DType::f32;
  std::int64_t c_stride = 0;  ///< elements between rows of C
  bool c_turned = false;      ///< C^T lies there instead: float32, with neither bias nor addend
  bool accumulate = false;
  /// C's elements, as they are in its type, are put through this at the end, while their tile is near: into
  /// `activated`, or in place where that is C. Not of a C that is turned.
  std::optional<ActivationKind> activation;
  void* activated = nullptr;  ///< like C
  KeptPanels kept;
};

/// Whether C itself can hold sums that are not complete yet.
[[nodiscard]] ATTUNE_INLINE bool c_holds_sums(const Gemm& gemm) {
  return gemm.c_dtype == DType::f32 && !gemm.c_turned;
}

/// How the panels of gemm.kept.factor lie. Products with equal forms whose factor is the same tensor may keep
/// them for each other. No bytes where they are not packed, or not by all threads.
[[nodiscard]] SharedForm kept_form(const Gemm& gemm);

/// Bytes of scratch that gemm() wants for these sizes; data pointers are not looked at.
[[nodiscard]] std::size_t gemm_scratch(const Gemm& gemm, int threads);

/// Runs on all threads of the pool. The result's bits depend on the sizes alone, never on the number of
/// threads. `scratch` is 64-byte aligned and holds gemm_scratch() bytes.
void gemm(ThreadPool& pool, std::byte* scratch, const Gemm& gemm);

}  // namespace attune::cpu::ATTUNE_ISA
