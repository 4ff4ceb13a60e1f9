// cross_entropy: see kernels/cross_entropy.h, and cross_entropy_row.cuh for the formulas. A warp has a row.

#include "kernels/cuda/cross_entropy.h"

#include "kernels/cuda/cross_entropy_row.cuh"

namespace attune::cuda {
namespace {

template <class T>
__device__ void cross_entropy(const CrossEntropy& a) {
  const std::int64_t r = warp_of_grid();
  if (r >= a.rows) return;
  const T* const logits = static_cast<const T*>(a.logits) + r * a.classes;
  const CrossEntropyTerms terms{a.class_weights, a.smoothing, a.focal_gamma};
  const std::int32_t label = a.labels[r];
  const CrossEntropyRow row = cross_entropy_row(logits, a.classes, label, terms);
  if (lane_id() == 0) {
    a.row_loss[r] = row.loss;
    a.prediction[r] = row.prediction;
  }
  if (a.dlogits == nullptr) return;
  cross_entropy_gradient(logits, a.classes, label, terms, row, *a.scale,
                         static_cast<T*>(a.dlogits) + r * a.classes);
}

ATTUNE_ENTRIES(cross_entropy, CrossEntropy, kCrossEntropyThreads)

}  // namespace
}  // namespace attune::cuda
