#include "backend/cublaslt_multiplier.h"

#include <tuple>
#include <utility>

#include "core/error.h"

namespace attune::cuda {
namespace {

/// What attune promises of addresses and rows. It says no more even where they lie better: the algorithm must
/// follow from the shape alone.
constexpr std::uint32_t kAlignment = 16;

/// Shapes that are kept. Batches of all lengths have as many, which seldom come again.
constexpr std::size_t kShapes = 1024;

[[nodiscard]] BlasType type_of(DType dtype) {
  return dtype == DType::bf16 ? BlasType::bfloat16 : BlasType::float32;
}

/// Where there is no addend `to` is named in its place, and not read.
[[nodiscard]] std::int64_t addend_stride(const BlasProduct& product) {
  return product.addend == nullptr ? product.stride : product.addend_stride;
}

[[nodiscard]] BlasTranspose transpose_of(const BlasMatrix& matrix) {
  return matrix.transposed ? BlasTranspose::yes : BlasTranspose::no;
}

}  // namespace

CublasLtMultiplier::CublasLtMultiplier(CublasLt library, void* workspace, std::size_t workspace_bytes)
    : library_(std::move(library)),
      handle_(nullptr, library_.cublasLtDestroy),
      workspace_(workspace),
      workspace_bytes_(workspace_bytes) {
  CublasLtHandle handle = nullptr;
  const CublasStatus status = library_.cublasLtCreate(&handle);
  if (status != kCublasSuccess) {
    refuse_cublaslt(library_.description + " could not start on this GPU: " + library_.words(status) +
                    ". Install the one of your driver's CUDA version");
  }
  handle_.reset(handle);
}

bool CublasLtMultiplier::has_algorithm(const BlasProduct& product) {
  return prepared(product).algorithm.has_value();
}

void CublasLtMultiplier::multiply(const BlasProduct& product, Stream stream) {
  const Prepared& made = prepared(product);
  if (product.bias != nullptr) set(made.operation.get(), OperationAttribute::bias_pointer, product.bias);
  const float beta = product.addend == nullptr ? 0.0F : 1.0F;
  const void* const addend = product.addend == nullptr ? product.to : product.addend;
  check(library_.cublasLtMatmul(handle_.get(), made.operation.get(), &product.scale, product.right.data,
                                made.a.get(), product.left.data, made.b.get(), &beta, addend, made.c.get(),
                                product.to, made.d.get(), &made.algorithm.value(), workspace_,
                                workspace_bytes_, stream),
        "queue a product");
}

CublasLtMultiplier::Shape CublasLtMultiplier::shape_of(const BlasProduct& product) {
  return {.rows = product.rows,
          .columns = product.columns,
          .depth = product.depth,
          .left_stride = product.left.stride,
          .right_stride = product.right.stride,
          .addend_stride = addend_stride(product),
          .stride = product.stride,
          .left_transposed = product.left.transposed,
          .right_transposed = product.right.transposed,
          .bias = product.bias != nullptr,
          .dtype = product.dtype};
}

CublasLtMultiplier::Prepared& CublasLtMultiplier::prepared(const BlasProduct& product) {
  const Shape shape = shape_of(product);
  const auto known = prepared_.find(shape);
  if (known != prepared_.end()) return known->second;
  if (prepared_.size() == kShapes) prepared_.clear();
  return prepared_.emplace(shape, prepare(product)).first->second;
}

/// The library computes D = A B on transposes: to^T = right^T left^T.
CublasLtMultiplier::Prepared CublasLtMultiplier::prepare(const BlasProduct& product) const {
  const auto& [rows, columns, depth] = std::tie(product.rows, product.columns, product.depth);
  const auto stored = [&](const BlasMatrix& matrix, std::int64_t matrix_rows, std::int64_t matrix_columns) {
    if (matrix.transposed) std::swap(matrix_rows, matrix_columns);
    return layout(BlasType::bfloat16, matrix_rows, matrix_columns, matrix.stride);
  };
  const auto result = [&](std::int64_t stride) {
    return layout(type_of(product.dtype), rows, columns, stride);
  };
  Prepared made{.operation = operation_of(product),
                .a = stored(product.right, depth, columns),
                .b = stored(product.left, rows, depth),
                .c = result(addend_stride(product)),
                .d = result(product.stride),
                .algorithm = std::nullopt};
  made.algorithm = ask_algorithm(made);
  return made;
}

CublasLtMultiplier::Owned<MatmulOperation> CublasLtMultiplier::operation_of(
    const BlasProduct& product) const {
  MatmulOperation made = nullptr;
  check(library_.cublasLtMatmulDescCreate(&made, BlasCompute::float32, BlasType::float32),
        "describe a product");
  Owned<MatmulOperation> operation(made, library_.cublasLtMatmulDescDestroy);
  const BlasTranspose a = transpose_of(product.right);
  const BlasTranspose b = transpose_of(product.left);
  set(made, OperationAttribute::transpose_a, a);
  set(made, OperationAttribute::transpose_b, b);
  if (product.bias != nullptr) {
    const MatmulEpilogue epilogue = MatmulEpilogue::bias;
    set(made, OperationAttribute::epilogue, epilogue);
    set(made, OperationAttribute::bias_pointer, product.bias);
  }
  return operation;
}

CublasLtMultiplier::Owned<MatrixLayout> CublasLtMultiplier::layout(BlasType type, std::int64_t rows,
                                                                   std::int64_t columns,
                                                                   std::int64_t stride) const {
  MatrixLayout made = nullptr;
  check(library_.cublasLtMatrixLayoutCreate(&made, type, static_cast<std::uint64_t>(columns),
                                            static_cast<std::uint64_t>(rows), stride),
        "describe a matrix");
  return {made, library_.cublasLtMatrixLayoutDestroy};
}

CublasLtMultiplier::Owned<MatmulPreference> CublasLtMultiplier::preference() const {
  MatmulPreference made = nullptr;
  check(library_.cublasLtMatmulPreferenceCreate(&made), "say what an algorithm must keep to");
  Owned<MatmulPreference> owned(made, library_.cublasLtMatmulPreferenceDestroy);
  const std::uint64_t workspace_bytes = workspace_bytes_;
  set(made, PreferenceAttribute::workspace_bytes, workspace_bytes);
  // Sums of a split depth stay float32, as those of attune's own kernels do.
  const MatmulReduction reduction = MatmulReduction::compute_type;
  set(made, PreferenceAttribute::reductions, reduction);
  for (const PreferenceAttribute alignment :
       {PreferenceAttribute::alignment_a, PreferenceAttribute::alignment_b, PreferenceAttribute::alignment_c,
        PreferenceAttribute::alignment_d})
    set(made, alignment, kAlignment);
  return owned;
}

std::optional<MatmulAlgorithm> CublasLtMultiplier::ask_algorithm(const Prepared& made) const {
  MatmulHeuristic best{};
  int found = 0;
  const CublasStatus status = library_.cublasLtMatmulAlgoGetHeuristic(
      handle_.get(), made.operation.get(), made.a.get(), made.b.get(), made.c.get(), made.d.get(),
      preference().get(), 1, &best, &found);
  if (status == kCublasNotSupported) return std::nullopt;
  check(status, "choose an algorithm");
  if (found == 0 || best.state != kCublasSuccess) return std::nullopt;
  return best.algorithm;
}

template <class Value>
void CublasLtMultiplier::set(MatmulOperation operation, OperationAttribute attribute,
                             const Value& value) const {
  check(library_.cublasLtMatmulDescSetAttribute(operation, attribute, static_cast<const void*>(&value),
                                                sizeof(value)),
        "describe a product");
}

template <class Value>
void CublasLtMultiplier::set(MatmulPreference preference, PreferenceAttribute attribute,
                             const Value& value) const {
  check(library_.cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof(value)),
        "say what an algorithm must keep to");
}

void CublasLtMultiplier::check(CublasStatus status, const char* what) const {
  if (status == kCublasSuccess) return;
  throw Error("device-failed", "device",
              library_.description + " could not " + what + ": " + library_.words(status) +
                  ". What was trained since the last checkpoint is lost; load the model again, with " +
                  kCublasLtVariable + "=off to compute with attune's own kernels.");
}

}  // namespace attune::cuda
