#include "kernels/cuda_kernels.h"

#include "kernels/cuda/kernels.h"

namespace attune {

KernelTable cuda_kernels() {
  KernelTable table;
  cuda::register_add(table);
  cuda::register_multiply_add_peak(table);
  cuda::register_rms_norm(table);
  cuda::register_stream_read(table);
  return table;
}

}  // namespace attune
