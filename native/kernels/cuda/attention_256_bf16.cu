#include "kernels/cuda/attention_entries.cuh"

ATTUNE_ATTENTION_QUERIES(attune::cuda::bf16, bf16, 256)
ATTUNE_ATTENTION_KEYS(attention_key_gradient, attune::cuda::bf16, bf16, 256, true, false)
ATTUNE_ATTENTION_KEYS(attention_value_gradient, attune::cuda::bf16, bf16, 256, false, true)
