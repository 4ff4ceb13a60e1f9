#pragma once

// What host and device both know of tensors: plain structs, passed to kernels by value.
namespace attune::cuda {

/// Floats whose dtype a kernel asks for as it reads: weights of norms, biases.
struct FloatTensor {
  const void* data = nullptr;
  bool bf16 = false;
};

/// Threads of a block of kernels that have one thread for 16 bytes.
inline constexpr int kPackThreads = 128;

}  // namespace attune::cuda
