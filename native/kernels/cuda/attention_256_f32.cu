#include "kernels/cuda/attention_entries.cuh"

ATTUNE_ATTENTION_QUERIES(float, f32, 256)
ATTUNE_ATTENTION_KEYS(attention_key_gradient, float, f32, 256, true, false)
ATTUNE_ATTENTION_KEYS(attention_value_gradient, float, f32, 256, false, true)
