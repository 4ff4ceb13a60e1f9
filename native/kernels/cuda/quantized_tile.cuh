#pragma once

// A tile of a weight held in fewer bits: its codes come into registers a step before they are unpacked into
// shared memory, so that the product hides their way.

#include "kernels/cuda/matrix_tile.cuh"
#include "kernels/cuda/quantized.cuh"

namespace attune::cuda {

template <class T, int kTile, bool kDepthInner>
struct QuantizedTile {
  Codes codes[2];

  /// Where packs of elements are of one block; else `unpack` reads elements.
  __device__ void load(const QuantizedWeight& weight, const Factor& factor, int first, int extent, int depth,
                       int depth_end) {
    if (!factor.packs) return;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const Chunk chunk = chunk_of<T, kTile, kDepthInner>(i, factor, first, extent, depth, depth_end);
      codes[i] = {};
      if (chunk.valid > 0) codes[i] = load_codes<T>(weight, chunk.element);
    }
  }

  __device__ void unpack(char* tile, const QuantizedWeight& weight, const Factor& factor, int first,
                         int extent, int depth, int depth_end) const {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const Chunk chunk = chunk_of<T, kTile, kDepthInner>(i, factor, first, extent, depth, depth_end);
      char* const to = tile + chunk.offset;
      if (factor.packs) {
        *reinterpret_cast<uint4*>(to) = unpack_codes<T>(weight, codes[i]);
      } else {
#pragma unroll 1
        for (int e = 0; e < kPack<T>; ++e) {
          const float value = e < chunk.valid ? quantized_element(weight, chunk.element + e) : 0.0F;
          reinterpret_cast<T*>(to)[e] = from_float<T>(value);
        }
      }
    }
  }
};

}  // namespace attune::cuda
