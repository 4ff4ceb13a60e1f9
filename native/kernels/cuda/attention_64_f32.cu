#include "kernels/cuda/attention_entries.cuh"

ATTUNE_ATTENTION_QUERIES(float, f32, 64)
ATTUNE_ATTENTION_KEYS(attention_key_value_gradient, float, f32, 64, true, true)
