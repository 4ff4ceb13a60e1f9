#pragma once

#include <compare>
#include <map>
#include <memory>
#include <optional>
#include <type_traits>

#include "backend/cublaslt.h"
#include "core/dtype.h"

namespace attune::cuda {

/// A matrix as it is stored, row by row, with `stride` elements between rows.
struct BlasMatrix {
  const void* data = nullptr;
  std::int64_t stride = 0;
  bool transposed = false;  ///< the stored one is the transpose of what is meant
};

/// to = scale left right + bias + addend. Rows and bias begin on 16 bytes.
struct BlasProduct {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t depth = 0;
  BlasMatrix left;   ///< (rows, depth) bf16
  BlasMatrix right;  ///< (depth, columns) bf16
  float scale = 1.0F;
  const void* bias = nullptr;    ///< (columns) of `dtype`, or null
  const void* addend = nullptr;  ///< (rows, columns) of `dtype`, or null; may be `to`, with its stride
  std::int64_t addend_stride = 0;
  void* to = nullptr;  ///< (rows, columns)
  DType dtype = DType::bf16;
  std::int64_t stride = 0;
};

/// Multiplies on one device by cuBLASLt. Descriptors and algorithm of a shape are made once and kept: the
/// same shape is always computed the same way.
class CublasLtMultiplier {
 public:
  /// In the device's context. Products share the workspace: they must all be queued on one stream.
  /// Throws Error{"unsupported-device"} where the library cannot start.
  CublasLtMultiplier(CublasLt library, void* workspace, std::size_t workspace_bytes);

  /// Whether the library has an algorithm for it. Asks no more than the host.
  [[nodiscard]] bool has_algorithm(const BlasProduct& product);
  /// Queues it. Throws Error{"device-failed"}.
  void multiply(const BlasProduct& product, Stream stream);

  [[nodiscard]] const std::string& description() const { return library_.description; }

 private:
  template <class Handle>
  using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, CublasStatus (*)(Handle)>;

  /// All that descriptors and algorithm depend on: no address is among it, they are all on 16 bytes.
  struct Shape {
    std::int64_t rows, columns, depth;
    std::int64_t left_stride, right_stride, addend_stride, stride;
    bool left_transposed, right_transposed, bias;
    DType dtype;
    auto operator<=>(const Shape&) const = default;
  };
  struct Prepared {
    Owned<MatmulOperation> operation;
    Owned<MatrixLayout> a, b, c, d;
    std::optional<MatmulAlgorithm> algorithm;
  };

  [[nodiscard]] static Shape shape_of(const BlasProduct& product);
  [[nodiscard]] Prepared& prepared(const BlasProduct& product);
  [[nodiscard]] Prepared prepare(const BlasProduct& product) const;
  [[nodiscard]] Owned<MatmulOperation> operation_of(const BlasProduct& product) const;
  /// Of a matrix that is stored row by row: the library's are stored column by column, so it sees its
  /// transpose.
  [[nodiscard]] Owned<MatrixLayout> layout(BlasType type, std::int64_t rows, std::int64_t columns,
                                           std::int64_t stride) const;
  [[nodiscard]] Owned<MatmulPreference> preference() const;
  [[nodiscard]] std::optional<MatmulAlgorithm> ask_algorithm(const Prepared& made) const;
  template <class Value>
  void set(MatmulOperation operation, OperationAttribute attribute, const Value& value) const;
  template <class Value>
  void set(MatmulPreference preference, PreferenceAttribute attribute, const Value& value) const;
  void check(CublasStatus status, const char* what) const;

  CublasLt library_;
  Owned<CublasLtHandle> handle_;
  void* workspace_;
  std::size_t workspace_bytes_;
  std::map<Shape, Prepared> prepared_;
};

}  // namespace attune::cuda
