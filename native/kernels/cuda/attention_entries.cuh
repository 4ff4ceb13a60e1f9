#pragma once

// The kernels of attention and its backward for one head size and dtype: each has a file of its own, so that
// a program compiles and loads what it uses.

#include "kernels/cuda/attention_forward.cuh"
#include "kernels/cuda/attention_key_gradient.cuh"
#include "kernels/cuda/attention_query_gradient.cuh"

/// One block a multiprocessor is enough for the compiler: more registers are worth more than more blocks.
#define ATTUNE_ATTENTION_ENTRY(name, Arguments, threads, ...)                                               \
  extern "C" __global__ __launch_bounds__(threads,                                                          \
                                          1) void name(const __grid_constant__ attune::cuda::Arguments a) { \
    attune::cuda::__VA_ARGS__(a);                                                                           \
  }

#define ATTUNE_ATTENTION_QUERIES(T, dtype, size)                                                           \
  ATTUNE_ATTENTION_ENTRY(attention_forward_##size##_##dtype, AttentionForward,                             \
                         attune::cuda::forward_tiles(sizeof(T), size).threads, attention_forward<T, size>) \
  ATTUNE_ATTENTION_ENTRY(attention_query_gradient_##size##_##dtype, AttentionBackward,                     \
                         attune::cuda::backward_tiles(sizeof(T), size, false).threads,                     \
                         query_gradients<T, size>)

/// `Keys`, `Values`: whether kernel `name` makes dk and dv.
#define ATTUNE_ATTENTION_KEYS(name, T, dtype, size, Keys, Values)                      \
  ATTUNE_ATTENTION_ENTRY(name##_##size##_##dtype, AttentionBackward,                   \
                         attune::cuda::backward_tiles(sizeof(T), size, false).threads, \
                         key_gradients<T, size, Keys, Values>)
