#include "kernels/cuda_kernels.h"

#include "kernels/cuda/kernels.h"

namespace attune {

KernelTable cuda_kernels() {
  KernelTable table;
  cuda::register_add(table);
  cuda::register_column_sum(table);
  cuda::register_linear(table);
  cuda::register_linear_cross_entropy(table);
  cuda::register_low_rank_weight_norm(table);
  cuda::register_rms_norm(table);
  return table;
}

}  // namespace attune
