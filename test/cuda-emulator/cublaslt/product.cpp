#include "cublaslt/product.h"

#include <algorithm>
#include <cstring>
#include <sstream>
#include <vector>

#include "cublaslt/refusal.h"
#include "driver/host_work.h"
#include "semantics/rounding.h"

namespace emulator {
namespace {

void require(bool holds, const char* otherwise) {
  if (!holds) throw Refusal(otherwise);
}

std::size_t element_bytes(int type) { return type == CUDA_R_16BF ? 2 : 4; }

/// From its first element to its last.
std::size_t matrix_bytes(const cublasLtMatrixLayoutOpaque& matrix) {
  return ((matrix.columns - 1) * static_cast<std::uint64_t>(matrix.leading_dimension) + matrix.rows) *
         element_bytes(matrix.type);
}

CUdeviceptr address(const void* pointer) { return reinterpret_cast<CUdeviceptr>(pointer); }

struct Range {
  CUdeviceptr begin;
  std::size_t bytes;
};

bool overlap(const Range& a, const Range& b) {
  return a.begin < b.begin + b.bytes && b.begin < a.begin + a.bytes;
}

Range range_of(const void* pointer, const cublasLtMatrixLayoutOpaque& matrix) {
  return {address(pointer), matrix_bytes(matrix)};
}

bool same(const cublasLtMatrixLayoutOpaque& a, const cublasLtMatrixLayoutOpaque& b) {
  return a.type == b.type && a.rows == b.rows && a.columns == b.columns &&
         a.leading_dimension == b.leading_dimension;
}

void check_matrix(const cublasLtMatrixLayoutOpaque& matrix) {
  require(matrix.rows > 0 && matrix.columns > 0, "a matrix is empty");
  require(matrix.leading_dimension >= static_cast<std::int64_t>(matrix.rows),
          "a leading dimension is less than the rows");
}

/// Tells products apart: what an algorithm may depend on.
std::uint64_t fingerprint(const Product& product) {
  std::uint64_t hash = 14695981039346656037U;
  const auto add = [&](std::uint64_t value) { hash = (hash ^ value) * 1099511628211U; };
  add(static_cast<std::uint64_t>(product.operation.transpose_a));
  add(static_cast<std::uint64_t>(product.operation.transpose_b));
  add(product.operation.epilogue);
  for (const auto* matrix : {&product.a, &product.b, &product.c, &product.d}) {
    add(static_cast<std::uint64_t>(matrix->type));
    add(matrix->rows);
    add(matrix->columns);
    add(static_cast<std::uint64_t>(matrix->leading_dimension));
  }
  return hash;
}

// Of an algorithm's words: whose it is, what it wants, and the alignments that were promised.
enum Word : std::size_t { kFingerprint, kWorkspace, kAlignments };

float element(const std::byte* matrix, int type, std::size_t index) {
  if (type == CUDA_R_32F) {
    float value = 0;
    std::memcpy(&value, matrix + 4 * index, 4);
    return value;
  }
  bf16 value{};
  std::memcpy(&value, matrix + 2 * index, 2);
  return to_f32(value);
}

void put(std::byte* matrix, int type, std::size_t index, float value) {
  if (type == CUDA_R_32F) {
    std::memcpy(matrix + 4 * index, &value, 4);
    return;
  }
  const bf16 rounded = nearest_bf16(value);
  std::memcpy(matrix + 2 * index, &rounded, 2);
}

/// op(matrix) (rows, columns), row by row.
std::vector<float> unpacked(const std::byte* matrix, const cublasLtMatrixLayoutOpaque& layout,
                            bool transposed) {
  const std::size_t rows = transposed ? layout.columns : layout.rows;
  const std::size_t columns = transposed ? layout.rows : layout.columns;
  const auto stride = static_cast<std::size_t>(layout.leading_dimension);
  std::vector<float> out(rows * columns);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column)
      out[row * columns + column] =
          element(matrix, layout.type, transposed ? row * stride + column : column * stride + row);
  }
  return out;
}

/// Sums in float32, along the depth in order.
std::vector<float> multiplied(const std::vector<float>& a, const std::vector<float>& b, std::size_t m,
                              std::size_t n, std::size_t k) {
  std::vector<float> out(m * n);
  for (std::size_t row = 0; row < m; ++row) {
    for (std::size_t depth = 0; depth < k; ++depth) {
      for (std::size_t column = 0; column < n; ++column)
        out[row * n + column] += a[row * k + depth] * b[depth * n + column];
    }
  }
  return out;
}

}  // namespace

void check_product(const Product& product) {
  for (const auto* matrix : {&product.a, &product.b, &product.c, &product.d}) check_matrix(*matrix);
  const bool known = product.a.type == CUDA_R_16BF && product.b.type == CUDA_R_16BF &&
                     product.c.type == product.d.type &&
                     (product.d.type == CUDA_R_16BF || product.d.type == CUDA_R_32F);
  if (!known)
    throw Refusal("products of bf16 to bf16 or float32 alone are emulated", CUBLAS_STATUS_NOT_SUPPORTED);
  const bool a = product.operation.transpose_a == CUBLAS_OP_T;
  const bool b = product.operation.transpose_b == CUBLAS_OP_T;
  require((a ? product.a.columns : product.a.rows) == product.m(), "A and D differ in rows");
  require((b ? product.b.rows : product.b.columns) == product.n(), "B and D differ in columns");
  require((b ? product.b.columns : product.b.rows) == product.k(), "A and B differ in depth");
  require(product.c.rows == product.m() && product.c.columns == product.n(), "C and D differ in shape");
}

cublasLtMatmulHeuristicResult_t choose_algorithm(const Product& product,
                                                 const cublasLtMatmulPreferenceOpaque& preference) {
  cublasLtMatmulHeuristicResult_t result{};
  result.workspaceSize = std::min<std::uint64_t>(preference.workspace_bytes, 4 * product.m() * product.n());
  result.algo.data[kFingerprint] = fingerprint(product);
  result.algo.data[kWorkspace] = result.workspaceSize;
  std::copy_n(preference.alignment, 4, result.algo.data + kAlignments);
  result.state = CUBLAS_STATUS_SUCCESS;
  result.wavesCount = 1.0F;
  return result;
}

void check_operands(const Product& product, const Operands& operands, const cublasLtMatmulAlgo_t& algorithm) {
  require(algorithm.data[kFingerprint] == fingerprint(product),
          "the algorithm was chosen for another product");
  require(operands.workspace_bytes >= algorithm.data[kWorkspace],
          "the workspace is smaller than the algorithm's");
  require(address(operands.workspace) % 16 == 0, "the workspace does not begin on 16 bytes");
  const std::pair<const void*, const cublasLtMatrixLayoutOpaque*> matrices[] = {
      {operands.a, &product.a}, {operands.b, &product.b}, {operands.c, &product.c}, {operands.d, &product.d}};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto& [pointer, layout] = matrices[i];
    require(address(pointer) % algorithm.data[kAlignments + i] == 0, "a matrix is not aligned as promised");
    require(device_bytes(address(pointer), matrix_bytes(*layout)) != nullptr,
            "a matrix is not in one allocation of the device");
  }
  const Range d = range_of(operands.d, product.d);
  require(!overlap(d, range_of(operands.a, product.a)) && !overlap(d, range_of(operands.b, product.b)),
          "D overlaps a factor");
  const bool in_place = operands.c == operands.d && same(product.c, product.d);
  require(in_place || !overlap(d, range_of(operands.c, product.c)), "C and D overlap and are not the same");
  const Range workspace{address(operands.workspace), operands.workspace_bytes};
  for (const auto& [pointer, layout] : matrices)
    require(!overlap(workspace, range_of(pointer, *layout)), "a matrix lies in the workspace");
  if (product.operation.epilogue == CUBLASLT_EPILOGUE_BIAS) {
    const std::size_t bytes = product.m() * element_bytes(product.d.type);
    require(address(product.operation.bias) % 16 == 0, "the bias does not begin on 16 bytes");
    require(device_bytes(address(product.operation.bias), bytes) != nullptr,
            "the bias is not in one allocation of the device");
  }
}

std::string compute(const Product& product, const Operands& operands) {
  const std::byte* const a = device_bytes(address(operands.a), matrix_bytes(product.a));
  const std::byte* const b = device_bytes(address(operands.b), matrix_bytes(product.b));
  const std::byte* const c = device_bytes(address(operands.c), matrix_bytes(product.c));
  std::byte* const d = device_bytes(address(operands.d), matrix_bytes(product.d));
  std::byte* const workspace = device_bytes(address(operands.workspace), operands.workspace_bytes);
  const bool biased = product.operation.epilogue == CUBLASLT_EPILOGUE_BIAS;
  const int type = product.d.type;
  const std::byte* const bias =
      biased ? device_bytes(address(product.operation.bias), product.m() * element_bytes(type)) : nullptr;
  if (a == nullptr || b == nullptr || c == nullptr || d == nullptr || workspace == nullptr ||
      biased != (bias != nullptr))
    return "memory of a product was freed before it ran";
  // Nobody may rely on what was there.
  std::memset(workspace, 0xff, operands.workspace_bytes);
  const std::vector<float> sums =
      multiplied(unpacked(a, product.a, product.operation.transpose_a == CUBLAS_OP_T),
                 unpacked(b, product.b, product.operation.transpose_b == CUBLAS_OP_T), product.m(),
                 product.n(), product.k());
  for (std::size_t column = 0; column < product.n(); ++column) {
    for (std::size_t row = 0; row < product.m(); ++row) {
      float value = operands.alpha * sums[row * product.n() + column];
      if (operands.beta != 0.0F)
        value += operands.beta *
                 element(c, type, column * static_cast<std::size_t>(product.c.leading_dimension) + row);
      if (biased) value += element(bias, type, row);
      put(d, type, column * static_cast<std::size_t>(product.d.leading_dimension) + row, value);
    }
  }
  return {};
}

std::string described(const Product& product, const Operands& operands) {
  const char* const added = operands.beta == 0.0F ? "nothing" : operands.c == operands.d ? "D" : "C";
  std::ostringstream text;
  text << R"({"m":)" << product.m() << R"(,"n":)" << product.n() << R"(,"k":)" << product.k()
       << R"(,"transposed":")" << (product.operation.transpose_a == CUBLAS_OP_T ? "A" : "")
       << (product.operation.transpose_b == CUBLAS_OP_T ? "B" : "") << R"(","type":")"
       << (product.d.type == CUDA_R_16BF ? "bf16" : "f32") << R"(","alpha":)" << operands.alpha
       << R"(,"added":")" << added << R"(","bias":)"
       << (product.operation.epilogue == CUBLASLT_EPILOGUE_BIAS ? "true" : "false") << "}";
  return text.str();
}

}  // namespace emulator
