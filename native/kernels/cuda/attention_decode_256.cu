#include "kernels/cuda/attention_decode.cuh"

ATTUNE_ATTENTION_DECODE(float, f32, 256)
ATTUNE_ATTENTION_DECODE(attune::cuda::bf16, bf16, 256)
