#include "kernels/cuda_kernels.h"

#include "kernels/cuda/kernels.h"

namespace attune {

KernelTable cuda_kernels() {
  KernelTable table;
  cuda::register_add(table);
  cuda::register_attention(table);
  cuda::register_attention_backward(table);
  cuda::register_cached_attention(table);
  cuda::register_embedding_noise(table);
  cuda::register_rms_norm(table);
  cuda::register_rotary(table);
  cuda::register_segment_mean(table);
  return table;
}

}  // namespace attune
