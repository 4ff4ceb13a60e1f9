#include "kernels/cuda/attention_entries.cuh"

ATTUNE_ATTENTION_QUERIES(attune::cuda::bf16, bf16, 32)
ATTUNE_ATTENTION_KEYS(attention_key_value_gradient, attune::cuda::bf16, bf16, 32, true, true)
