// Functions of cuBLASLt, for products of the kinds that attune asks for. What they do not know they refuse.

#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <mutex>

#include "cublaslt/product.h"
#include "cublaslt/refusal.h"
#include "cublaslt/settings.h"
#include "driver/handles.h"
#include "driver/host_work.h"

EMULATOR_API CUresult cuMemGetInfo_v2(std::size_t* free, std::size_t* total);

namespace emulator {
namespace {

struct Library {
  std::mutex mutex;
  Handles<cublasLtContext> handles{"handle"};
  Handles<cublasLtMatmulDescOpaque> operations{"operation"};
  Handles<cublasLtMatrixLayoutOpaque> layouts{"layout"};
  Handles<cublasLtMatmulPreferenceOpaque> preferences{"preference"};
};

Library& library() {
  static Library one;
  return one;
}

/// Runs the body of a function and turns what it throws into its answer. Reasons are printed, as the
/// driver's.
template <class Body>
cublasStatus_t answer(const char* name, const Body& body) {
  const std::lock_guard lock(library().mutex);
  cublasStatus_t status = CUBLAS_STATUS_INVALID_VALUE;
  std::string reason;
  try {
    body();
    return CUBLAS_STATUS_SUCCESS;
  } catch (const Refusal& refusal) {
    status = refusal.status();
    reason = refusal.what();
  } catch (const std::exception& error) {
    reason = error.what();
  }
  if (!reason.empty()) std::fprintf(stderr, "emulated cuBLASLt: %s: %s\n", name, reason.c_str());
  return status;
}

template <class T>
T& required(T* pointer) {
  if (pointer == nullptr) throw Refusal("a pointer is null");
  return *pointer;
}

/// A host's number, as alpha and beta are without another pointer mode.
float number_at(const void* pointer) {
  if (device_bytes(reinterpret_cast<CUdeviceptr>(pointer), sizeof(float)) != nullptr)
    throw Refusal("alpha or beta lies on the device");
  float value = 0;
  std::memcpy(&value, &required(static_cast<const std::byte*>(pointer)), sizeof(value));
  return value;
}

template <class T>
void take(T& target, const void* value, std::size_t bytes) {
  if (value == nullptr || bytes != sizeof(T)) throw Refusal("an attribute has another size");
  std::memcpy(static_cast<void*>(&target), value, bytes);
}

void set_transpose(std::int32_t& target, const void* value, std::size_t bytes) {
  take(target, value, bytes);
  if (target != CUBLAS_OP_N && target != CUBLAS_OP_T) throw Refusal("a transposition is not emulated");
}

void set_attribute(cublasLtMatmulDescOpaque& operation, cublasLtMatmulDescAttributes_t attribute,
                   const void* value, std::size_t bytes) {
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return set_transpose(operation.transpose_a, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return set_transpose(operation.transpose_b, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      take(operation.epilogue, value, bytes);
      if (operation.epilogue != CUBLASLT_EPILOGUE_DEFAULT && operation.epilogue != CUBLASLT_EPILOGUE_BIAS)
        throw Refusal("an epilogue is not emulated");
      return;
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return take(operation.bias, value, bytes);
  }
  throw Refusal("an attribute of an operation is not emulated");
}

void set_attribute(cublasLtMatmulPreferenceOpaque& preference, cublasLtMatmulPreferenceAttributes_t attribute,
                   const void* value, std::size_t bytes) {
  switch (attribute) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return take(preference.workspace_bytes, value, bytes);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      return take(preference.reductions, value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return take(preference.alignment[attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], value, bytes);
  }
  throw Refusal("an attribute of a preference is not emulated");
}

Product product_of(cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                   cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d) {
  const Library& all = library();
  const Product product{all.operations.at(operation), all.layouts.at(a), all.layouts.at(b), all.layouts.at(c),
                        all.layouts.at(d)};
  check_product(product);
  return product;
}

void write_trace(const std::string& file, const std::string& line) {
  if (!file.empty()) std::ofstream(file, std::ios::app) << line << '\n';
}

}  // namespace
}  // namespace emulator

using namespace emulator;

EMULATOR_API std::size_t cublasLtGetVersion() {
  std::size_t version = 0;
  answer("cublasLtGetVersion", [&] { version = cublaslt_settings().version; });
  return version;
}
EMULATOR_API const char* cublasLtGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
  }
  return nullptr;
}
EMULATOR_API const char* cublasLtGetStatusString(cublasStatus_t) { return "emulated on the CPU"; }

EMULATOR_API cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  return answer("cublasLtCreate", [&] {
    std::size_t free = 0;
    std::size_t total = 0;
    if (cublaslt_settings().fail_create || cuMemGetInfo_v2(&free, &total) != CUDA_SUCCESS)
      throw Refusal("", CUBLAS_STATUS_NOT_INITIALIZED);
    required(handle) = library().handles.add(std::make_unique<cublasLtContext>());
  });
}
EMULATOR_API cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  return answer("cublasLtDestroy", [&] { library().handles.remove(handle); });
}

EMULATOR_API cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* operation, int compute,
                                                     int scale) {
  return answer("cublasLtMatmulDescCreate", [&] {
    if (compute != CUBLAS_COMPUTE_32F || scale != CUDA_R_32F)
      throw Refusal("sums and scales of float32 alone are emulated");
    required(operation) = library().operations.add(std::make_unique<cublasLtMatmulDescOpaque>());
  });
}
EMULATOR_API cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t operation) {
  return answer("cublasLtMatmulDescDestroy", [&] { library().operations.remove(operation); });
}
EMULATOR_API cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t operation,
                                                           cublasLtMatmulDescAttributes_t attribute,
                                                           const void* value, std::size_t bytes) {
  return answer("cublasLtMatmulDescSetAttribute",
                [&] { set_attribute(library().operations.at(operation), attribute, value, bytes); });
}

EMULATOR_API cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, int type,
                                                       std::uint64_t rows, std::uint64_t columns,
                                                       std::int64_t leading_dimension) {
  return answer("cublasLtMatrixLayoutCreate", [&] {
    required(layout) = library().layouts.add(std::make_unique<cublasLtMatrixLayoutOpaque>(
        cublasLtMatrixLayoutOpaque{type, rows, columns, leading_dimension}));
  });
}
EMULATOR_API cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  return answer("cublasLtMatrixLayoutDestroy", [&] { library().layouts.remove(layout); });
}

EMULATOR_API cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  return answer("cublasLtMatmulPreferenceCreate", [&] {
    required(preference) = library().preferences.add(std::make_unique<cublasLtMatmulPreferenceOpaque>());
  });
}
EMULATOR_API cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return answer("cublasLtMatmulPreferenceDestroy", [&] { library().preferences.remove(preference); });
}
EMULATOR_API cublasStatus_t cublasLtMatmulPreferenceSetAttribute(
    cublasLtMatmulPreference_t preference, cublasLtMatmulPreferenceAttributes_t attribute, const void* value,
    std::size_t bytes) {
  return answer("cublasLtMatmulPreferenceSetAttribute",
                [&] { set_attribute(library().preferences.at(preference), attribute, value, bytes); });
}

EMULATOR_API cublasStatus_t cublasLtMatmulAlgoGetHeuristic(
    cublasLtHandle_t handle, cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t a,
    cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
    cublasLtMatmulPreference_t preference, int asked, cublasLtMatmulHeuristicResult_t* results, int* found) {
  return answer("cublasLtMatmulAlgoGetHeuristic", [&] {
    library().handles.at(handle);
    if (asked < 1) throw Refusal("no algorithm is asked for");
    const Product product = product_of(operation, a, b, c, d);
    if (!cublaslt_settings().algorithms) throw Refusal("", CUBLAS_STATUS_NOT_SUPPORTED);
    required(results) = choose_algorithm(product, library().preferences.at(preference));
    required(found) = 1;
  });
}

EMULATOR_API cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                           const void* alpha, const void* a, cublasLtMatrixLayout_t a_layout,
                                           const void* b, cublasLtMatrixLayout_t b_layout, const void* beta,
                                           const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                                           cublasLtMatrixLayout_t d_layout,
                                           const cublasLtMatmulAlgo_t* algorithm, void* workspace,
                                           std::size_t workspace_bytes, CUstream stream) {
  return answer("cublasLtMatmul", [&] {
    library().handles.at(handle);
    const CublasLtSettings settings = cublaslt_settings();
    if (settings.fail_product) throw Refusal("", CUBLAS_STATUS_EXECUTION_FAILED);
    const Product product = product_of(operation, a_layout, b_layout, c_layout, d_layout);
    const Operands operands{number_at(alpha), number_at(beta), a, b, c, d, workspace, workspace_bytes};
    check_operands(product, operands, required(algorithm));
    const CUresult queued = queue_host_work("cublasLtMatmul", stream, [product, operands, settings] {
      write_trace(settings.trace, described(product, operands));
      return compute(product, operands);
    });
    if (queued != CUDA_SUCCESS) throw Refusal("the product cannot be queued", CUBLAS_STATUS_EXECUTION_FAILED);
  });
}
