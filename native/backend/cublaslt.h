#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "backend/cuda_driver.h"

namespace attune::cuda {

// The few types and functions of NVIDIA's cuBLASLt that attune calls, declared here so that it is needed
// neither to build nor to run. Names and values: cublasLt.h, cublas_api.h and library_types.h of CUDA 13;
// those of CUDA 12 have the same.

using CublasStatus = int;  ///< cublasStatus_t
inline constexpr CublasStatus kCublasSuccess = 0;
inline constexpr CublasStatus kCublasNotSupported = 15;

using CublasLtHandle = struct cublasLtContext*;
using MatmulOperation = struct cublasLtMatmulDesc*;
using MatrixLayout = struct cublasLtMatrixLayout*;
using MatmulPreference = struct cublasLtMatmulPreference*;

/// cudaDataType
enum class BlasType : int { float32 = 0, bfloat16 = 14 };
/// cublasComputeType_t
enum class BlasCompute : int { float32 = 68 };
/// cublasOperation_t
enum class BlasTranspose : std::int32_t { no = 0, yes = 1 };
/// cublasLtEpilogue_t
enum class MatmulEpilogue : std::uint32_t { none = 1, bias = 4 };
/// cublasLtReductionScheme_t: how the sums of a split depth are added up, a mask
enum class MatmulReduction : std::uint32_t { compute_type = 2 };

/// cublasLtMatmulDescAttributes_t
enum class OperationAttribute : int { transpose_a = 3, transpose_b = 4, epilogue = 7, bias_pointer = 8 };
/// cublasLtMatmulPreferenceAttributes_t
enum class PreferenceAttribute : int {
  workspace_bytes = 1,
  reductions = 3,
  alignment_a = 5,
  alignment_b = 6,
  alignment_c = 7,
  alignment_d = 8,
};

/// cublasLtMatmulAlgo_t
struct MatmulAlgorithm {
  std::uint64_t data[8];
};
/// cublasLtMatmulHeuristicResult_t
struct MatmulHeuristic {
  MatmulAlgorithm algorithm;
  std::size_t workspace_bytes;
  CublasStatus state;
  float waves;
  int reserved[4];
};

/// The library's functions, found by name in it.
struct CublasLt {
  CublasStatus (*cublasLtCreate)(CublasLtHandle*);
  CublasStatus (*cublasLtDestroy)(CublasLtHandle);
  std::size_t (*cublasLtGetVersion)();
  const char* (*cublasLtGetStatusName)(CublasStatus);
  const char* (*cublasLtGetStatusString)(CublasStatus);
  CublasStatus (*cublasLtMatmulDescCreate)(MatmulOperation*, BlasCompute, BlasType scale);
  CublasStatus (*cublasLtMatmulDescDestroy)(MatmulOperation);
  CublasStatus (*cublasLtMatmulDescSetAttribute)(MatmulOperation, OperationAttribute, const void*,
                                                 std::size_t bytes);
  CublasStatus (*cublasLtMatrixLayoutCreate)(MatrixLayout*, BlasType, std::uint64_t rows,
                                             std::uint64_t columns, std::int64_t leading_dimension);
  CublasStatus (*cublasLtMatrixLayoutDestroy)(MatrixLayout);
  CublasStatus (*cublasLtMatmulPreferenceCreate)(MatmulPreference*);
  CublasStatus (*cublasLtMatmulPreferenceDestroy)(MatmulPreference);
  CublasStatus (*cublasLtMatmulPreferenceSetAttribute)(MatmulPreference, PreferenceAttribute, const void*,
                                                       std::size_t bytes);
  CublasStatus (*cublasLtMatmulAlgoGetHeuristic)(CublasLtHandle, MatmulOperation, MatrixLayout a,
                                                 MatrixLayout b, MatrixLayout c, MatrixLayout d,
                                                 MatmulPreference, int asked, MatmulHeuristic*, int* found);
  CublasStatus (*cublasLtMatmul)(CublasLtHandle, MatmulOperation, const void* alpha, const void* a,
                                 MatrixLayout, const void* b, MatrixLayout, const void* beta, const void* c,
                                 MatrixLayout, void* d, MatrixLayout, const MatmulAlgorithm*, void* workspace,
                                 std::size_t workspace_bytes, Stream);

  /// Its name, version and file: "cuBLASLt 13.1.0 (/usr/lib/libcublasLt.so.13)".
  std::string description;

  /// "invalid value (CUBLAS_STATUS_INVALID_VALUE, 7)"
  [[nodiscard]] std::string words(CublasStatus status) const;
};

/// Names a cuBLASLt to load in place of the system's, or is 'off'.
inline constexpr const char* kCublasLtVariable = "ATTUNE_CUBLASLT";

/// The cuBLASLt of this machine; nothing where it is not installed or not wanted. Where ATTUNE_CUDA_DRIVER
/// names another driver than the system's, one must be named too: NVIDIA's calls the system's driver.
/// Throws Error{"unsupported-device"}: the one that is named cannot be loaded; one that lacks a function, or
/// is too old.
[[nodiscard]] std::optional<CublasLt> load_cublaslt();

/// What is wrong with it, where, and how to do without it.
[[noreturn]] void refuse_cublaslt(const std::string& what);

}  // namespace attune::cuda
