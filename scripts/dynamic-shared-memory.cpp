// Prints the most shared memory that launchers ask for beside what a kernel declares: a kernel and its bytes
// a line, from the constants that the launchers use. cuda-resources.mjs compiles and runs it.
#include <cstdio>
#include <string>

#include "kernels/cuda/attention.h"
#include "kernels/cuda/cached_attention.h"
#include "kernels/cuda/matrix_product.h"

namespace {

using namespace attune::cuda;

void print(const std::string& kernel, const char* dtype, int bytes) {
  std::printf("%s_%s\t%d\n", kernel.c_str(), dtype, bytes);
}

void print_attention(int size, const char* dtype, int element_bytes) {
  const std::string suffix = "_" + std::to_string(size);
  const int keys = backward_tiles(element_bytes, size, false).shared_bytes;
  print("attention_forward" + suffix, dtype, forward_tiles(element_bytes, size).shared_bytes);
  print("attention_query_gradient" + suffix, dtype, backward_tiles(element_bytes, size, true).shared_bytes);
  for (const char* kernel :
       {"attention_key_gradient", "attention_value_gradient", "attention_key_value_gradient"})
    print(kernel + suffix, dtype, keys);
  print("attention_decode" + suffix, dtype, decode_tiles(element_bytes, size).shared_bytes);
}

void print_products(const char* dtype) {
  for (const std::string prefix : {"product_", "quantized_product_"}) {
    for (const char* suffix : {"", "_transposed"}) {
      print(prefix + "small" + suffix, dtype, kProductSharedBytes<kSmallTile>);
      print(prefix + "large" + suffix, dtype, kProductSharedBytes<kLargeTile>);
    }
  }
}

void print_all(const char* dtype, int element_bytes) {
  for (const int size : {32, 64, 128, 256}) print_attention(size, dtype, element_bytes);
  print_products(dtype);
  // The sine and cosine of each pair, of the largest head of attention.
  print("rotary", dtype, 256 / 2 * 2 * static_cast<int>(sizeof(float)));
}

}  // namespace

int main() {
  print_all("f32", 4);
  print_all("bf16", 2);
}
