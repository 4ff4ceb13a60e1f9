#pragma once

#include "core/quantization.h"
#include "kernels/kernel.h"

namespace attune {

/// Floating-point operations of a node. A multiply-add is two; an exponential or a root is one; copies are
/// none.
struct Work {
  double products = 0.0;   ///< matrix products, counted exactly
  double attention = 0.0;  ///< products of queries, keys and values, over the pairs that see each other
  double elements = 0.0;   ///< all else: so many operations an element

  [[nodiscard]] double total() const { return products + attention + elements; }
  Work& operator+=(const Work& other) {
    products += other.products;
    attention += other.attention;
    elements += other.elements;
    return *this;
  }
};

/// Looks at the shapes, and at the values of i32 inputs where they are given (`data` is not null): lengths of
/// segments. What the other tensors hold makes no difference.
using WorkRule = Work (*)(const KernelCall&);

[[nodiscard]] inline double element_count(const TensorView& tensor) {
  return tensor.present ? static_cast<double>(tensor.shape.elements()) : 0.0;
}

/// Bytes of what a node reads and writes, each tensor once.
[[nodiscard]] inline double moved_bytes(const KernelCall& call) {
  double bytes = 0.0;
  for (const auto& tensors : {call.inputs, call.outputs}) {
    for (const TensorView& tensor : tensors) {
      bytes += static_cast<double>(bytes_of(tensor.dtype, tensor.present ? tensor.shape.elements() : 0));
    }
  }
  return bytes;
}

/// For ops that do the same to every element of their first output.
template <int kOperations>
[[nodiscard]] Work work_per_output(const KernelCall& call) {
  return {.elements = kOperations * element_count(call.outputs[0])};
}

/// For ops that do the same to every element of their first input.
template <int kOperations>
[[nodiscard]] Work work_per_input(const KernelCall& call) {
  return {.elements = kOperations * element_count(call.inputs[0])};
}

/// Operations of (x W) with x (rows, inner) and W (inner, columns).
[[nodiscard]] inline double product_work(double rows, double inner, double columns) {
  return 2.0 * rows * inner * columns;
}

}  // namespace attune
