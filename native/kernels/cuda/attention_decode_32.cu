#include "kernels/cuda/attention_decode.cuh"

ATTUNE_ATTENTION_DECODE(float, f32, 32)
ATTUNE_ATTENTION_DECODE(attune::cuda::bf16, bf16, 32)
