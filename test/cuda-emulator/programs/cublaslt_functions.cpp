// The stand-in for cuBLASLt: what it computes, when, and what it refuses as cuBLASLt does.

#include <cmath>
#include <cstdint>
#include <cstring>

#include "cublaslt/cublaslt_types.h"
#include "gpu.h"

extern "C" {
cublasStatus_t cublasLtCreate(cublasLtHandle_t*);
cublasStatus_t cublasLtDestroy(cublasLtHandle_t);
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t*, int compute, int scale);
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t);
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t, cublasLtMatmulDescAttributes_t,
                                              const void*, std::size_t);
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t*, int, std::uint64_t, std::uint64_t,
                                          std::int64_t);
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t*);
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t,
                                                    cublasLtMatmulPreferenceAttributes_t, const void*,
                                                    std::size_t);
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatrixLayout_t, cublasLtMatmulPreference_t, int,
                                              cublasLtMatmulHeuristicResult_t*, int*);
cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t, const void*, const void*,
                              cublasLtMatrixLayout_t, const void*, cublasLtMatrixLayout_t, const void*,
                              const void*, cublasLtMatrixLayout_t, void*, cublasLtMatrixLayout_t,
                              const cublasLtMatmulAlgo_t*, void*, std::size_t, CUstream);
}

namespace {

using test::Buffer;
using test::Context;
using test::expect;
using test::expect_equal;

constexpr std::size_t kWorkspace = 1 << 16;

std::uint16_t bf16(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, 4);
  return static_cast<std::uint16_t>(bits >> 16);
}

cublasLtMatrixLayout_t layout(int type, std::uint64_t rows, std::uint64_t columns, std::int64_t stride) {
  cublasLtMatrixLayout_t made = nullptr;
  cublasLtMatrixLayoutCreate(&made, type, rows, columns, stride);
  return made;
}

/// D (8, 2) = A (8, 4) B (4, 2) of ones, D float32: everything that a call wants, to be spoiled by a test.
struct Call {
  cublasLtHandle_t handle = nullptr;
  cublasLtMatmulDesc_t operation = nullptr;
  cublasLtMatrixLayout_t a = layout(CUDA_R_16BF, 8, 4, 8);
  cublasLtMatrixLayout_t b = layout(CUDA_R_16BF, 4, 2, 8);
  cublasLtMatrixLayout_t d = layout(CUDA_R_32F, 8, 2, 8);
  Buffer<std::uint16_t> factors{std::vector<std::uint16_t>(64, bf16(1))};
  Buffer<float> result{64};
  Buffer<std::byte> workspace{kWorkspace};
  std::size_t workspace_bytes = kWorkspace;
  std::uint32_t alignment = 16;
  float alpha = 2;
  float beta = 0;
  CUdeviceptr at_a = factors.address;
  CUdeviceptr at_b = factors.address;
  CUdeviceptr at_d = result.address;
  CUstream stream = nullptr;
  cublasLtMatmulHeuristicResult_t best{};

  Call() {
    cublasLtCreate(&handle);
    cublasLtMatmulDescCreate(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    MUST(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  }
  cublasStatus_t choose() {
    cublasLtMatmulPreference_t preference = nullptr;
    cublasLtMatmulPreferenceCreate(&preference);
    const std::uint64_t bytes = kWorkspace;
    cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, 8);
    for (int i = 0; i < 4; ++i) {
      const auto attribute =
          static_cast<cublasLtMatmulPreferenceAttributes_t>(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES + i);
      cublasLtMatmulPreferenceSetAttribute(preference, attribute, &alignment, 4);
    }
    int found = 0;
    return cublasLtMatmulAlgoGetHeuristic(handle, operation, a, b, d, d, preference, 1, &best, &found);
  }
  cublasStatus_t multiply() const {
    const auto pointer = [](CUdeviceptr address) { return reinterpret_cast<void*>(address); };
    return cublasLtMatmul(handle, operation, &alpha, pointer(at_a), a, pointer(at_b), b, &beta, pointer(at_d),
                          d, pointer(at_d), d, &best.algo, pointer(workspace.address), workspace_bytes,
                          stream);
  }
};

void it_computes_when_waited_for() {
  const Context context;
  Call call;
  expect_equal(call.choose(), CUBLAS_STATUS_SUCCESS, "an algorithm");
  expect_equal(call.multiply(), CUBLAS_STATUS_SUCCESS, "a product");
  expect(std::isnan(call.result.read()[0]), "nothing is there before the stream was waited for");
  MUST(cuStreamSynchronize(call.stream));
  expect_equal(call.result.read()[15], 8.0F, "2 x 4 ones");
  expect(std::isnan(call.result.read()[16]), "nothing is written past D");
  call.beta = 1;
  expect_equal(call.multiply(), CUBLAS_STATUS_SUCCESS, "a product that is added");
  MUST(cuStreamSynchronize(call.stream));
  expect_equal(call.result.read()[15], 16.0F, "2 x 4 ones and what was there");
}

CUgraphExec captured(Call& call) {
  call.choose();
  MUST(cuStreamBeginCapture_v2(call.stream, 1));
  expect_equal(call.multiply(), CUBLAS_STATUS_SUCCESS, "a product that is captured");
  CUgraph graph = nullptr;
  MUST(cuStreamEndCapture(call.stream, &graph));
  CUgraphExec executable = nullptr;
  MUST(cuGraphInstantiateWithFlags(&executable, graph, 0));
  return executable;
}

void a_graph_replays_it() {
  const Context context;
  Call call;
  CUgraphExec const executable = captured(call);
  for (const float one : {1.0F, 3.0F}) {
    call.factors.write(std::vector<std::uint16_t>(64, bf16(one)));
    MUST(cuGraphLaunch(executable, call.stream));
    MUST(cuStreamSynchronize(call.stream));
    expect_equal(call.result.read()[0], 8 * one * one, "the product of what is in memory now");
  }
}

/// Spoils a call that is right otherwise: before an algorithm is chosen, or after.
void refuses(const char* what, void (*spoil)(Call&), bool before) {
  const Context context;
  Call call;
  if (before) spoil(call);
  const cublasStatus_t chosen = call.choose();
  if (before && chosen != CUBLAS_STATUS_SUCCESS) return;
  expect_equal(chosen, CUBLAS_STATUS_SUCCESS, "an algorithm");
  if (!before) spoil(call);
  expect(call.multiply() != CUBLAS_STATUS_SUCCESS, what);
}

struct Wrong {
  const char* name;
  void (*spoil)(Call&);
  bool before;
};

const Wrong kWrong[] = {
    {"a leading dimension less than the rows", [](Call& call) { call.a = layout(CUDA_R_16BF, 8, 4, 7); },
     true},
    {"factors that do not fit", [](Call& call) { call.b = layout(CUDA_R_16BF, 5, 2, 8); }, true},
    {"a factor of float32", [](Call& call) { call.a = layout(CUDA_R_32F, 8, 4, 8); }, true},
    {"an algorithm of another product", [](Call& call) { call.b = layout(CUDA_R_16BF, 4, 2, 4); }, false},
    {"a matrix that is not aligned as promised", [](Call& call) { call.at_a += 2; }, false},
    {"a matrix that reaches past its allocation", [](Call& call) { call.at_d += 4 * 56; }, false},
    {"a matrix in the host's memory",
     [](Call& call) { call.at_a = reinterpret_cast<CUdeviceptr>(&call) / 16 * 16; }, false},
    {"a result over a factor", [](Call& call) { call.at_a = call.at_d; }, false},
    {"a workspace that is too small", [](Call& call) { call.workspace_bytes = 16; }, false},
    {"a result in the workspace", [](Call& call) { call.at_d = call.workspace.address; }, false},
    {"a handle that was destroyed", [](Call& call) { cublasLtDestroy(call.handle); }, false},
    {"an operation that was destroyed", [](Call& call) { cublasLtMatmulDescDestroy(call.operation); }, false},
    {"a bias that is nowhere",
     [](Call& call) {
       const std::uint32_t bias = CUBLASLT_EPILOGUE_BIAS;
       cublasLtMatmulDescSetAttribute(call.operation, CUBLASLT_MATMUL_DESC_EPILOGUE, &bias, sizeof(bias));
     },
     true},
};

void memory_that_is_freed_breaks_the_context() {
  const Context context;
  Call call;
  CUgraphExec const executable = captured(call);
  MUST(cuMemFree_v2(call.factors.address));
  MUST(cuGraphLaunch(executable, call.stream));
  expect_equal(cuStreamSynchronize(call.stream), CUDA_ERROR_ILLEGAL_ADDRESS, "a product of freed memory");
}

void there_must_be_a_context() {
  cublasLtHandle_t handle = nullptr;
  expect_equal(cublasLtCreate(&handle), CUBLAS_STATUS_NOT_INITIALIZED, "a handle without a context");
}

}  // namespace

int main() {
  test::run("there must be a context", there_must_be_a_context);
  test::run("a product is computed when it is waited for", it_computes_when_waited_for);
  test::run("a graph replays a product", a_graph_replays_it);
  test::run("memory that was freed breaks the context", memory_that_is_freed_breaks_the_context);
  for (const Wrong& wrong : kWrong)
    test::run(std::string("refused: ") + wrong.name, [&] { refuses(wrong.name, wrong.spoil, wrong.before); });
}
