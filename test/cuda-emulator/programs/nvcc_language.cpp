// Runs the kernels of language.cu from the fat binary named on the command line, against the same in plain
// C++.

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>

#include "gpu.h"

namespace {

using test::Buffer;
using test::Context;
using test::expect;
using test::expect_equal;

CUfunction kernel(const std::string& image, const char* name) {
  CUmodule module = nullptr;
  MUST(cuModuleLoadData(&module, image.data()));
  return test::function(module, name);
}

/// As language.cu declares it.
struct alignas(16) Arguments {
  float weights[8];
  std::int32_t rows[3];
  CUdeviceptr to;
  float table[1002];
};
static_assert(sizeof(Arguments) == 4064);

void struct_by_value(const std::string& image) {
  const Context context;
  const Buffer<float> to(64);
  Arguments arguments{};
  for (int i = 0; i < 8; ++i) arguments.weights[i] = static_cast<float>(i + 1);
  arguments.rows[1] = 37;
  arguments.to = to.address;
  for (int i = 0; i < 1002; ++i) arguments.table[i] = static_cast<float>(100 * i);
  test::launch(kernel(image, "struct_by_value"), {1, 64}, arguments);
  const std::vector<float> got = to.read();
  for (int i = 0; i < 64; ++i) {
    const float* row = arguments.weights + 4 * (i % 2);
    expect_equal(got[i], arguments.weights[i % 8] + arguments.table[i * 37 % 1002] + row[0] * row[3],
                 "element " + std::to_string(i));
  }
}

void functions_and_arrays(const std::string& image) {
  const Context context;
  for (const std::int64_t divisor : {std::int64_t{7}, std::int64_t{-0x100000003}}) {
    const Buffer<float> to(32);
    const Buffer<std::int64_t> quotients(64);
    test::launch(kernel(image, "functions_and_arrays"), {1, 32}, to.address, quotients.address, divisor);
    const std::vector<float> got = to.read();
    const std::vector<std::int64_t> divided = quotients.read();
    for (int i = 0; i < 32; ++i) {
      float values[40];
      for (int k = 0; k < 40; ++k) values[(k * 7 + i) % 40] = static_cast<float>(k + i);
      float sum = static_cast<float>(3 * (i + 10)) + static_cast<float>(3 * i);
      for (int k = 0; k < 20 + i % 20; ++k) sum += values[k];
      expect_equal(got[i], sum, "element " + std::to_string(i));
      const std::int64_t large = (std::int64_t{i} - 16) * 0x100000001;
      expect_equal(divided[2 * i], large / divisor, "a quotient");
      expect_equal(divided[2 * i + 1], large % divisor, "a remainder");
    }
  }
}

/// Each kernel of a module has the shared memory that it declares, and no other's.
void shared_memory(const std::string& image) {
  const Context context;
  std::vector<float> rows(4 * 64);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i);
  const Buffer<float> from(rows);
  const Buffer<float> to(rows.size());
  const CUfunction dynamic = kernel(image, "dynamic_shared");
  int bytes = 0;
  MUST(cuFuncGetAttribute(&bytes, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, dynamic));
  expect_equal(bytes, 40004, "static shared memory: an array and a word");
  expect_equal(test::try_launch(dynamic, {1, 64, 9152}, from.address, to.address), CUDA_ERROR_INVALID_VALUE,
               "more than 48 KiB, static and dynamic together");
  test::launch(dynamic, {1, 64, 1024}, from.address, to.address);
  const std::vector<float> got = to.read();
  for (std::size_t i = 0; i < 64; ++i) {
    for (std::size_t k = 0; k < 4; ++k)
      expect_equal(got[4 * i + k], rows[4 * (63 - i) + k] + (k == 0 ? 5.0f : 0.0f), "a turned row");
  }
  const Buffer<float> twos(64);
  test::launch(kernel(image, "static_shared"), {1, 64}, twos.address);
  for (const float value : twos.read()) expect_equal(value, 2.0f, "a value");
  // The dynamic part ends where the launch says.
  test::launch(dynamic, {1, 64, 512}, from.address, to.address);
  expect_equal(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS, "64 rows where 32 have room");
}

void philox(const std::string& image) {
  const Context context;
  const Buffer<std::uint32_t> to(4 * 32);
  std::uint32_t key[2] = {0xa4093822u, 0x299f31d0u};
  test::launch(kernel(image, "philox"), {}, to.address, std::array<std::uint32_t, 2>{key[0], key[1]});
  const std::vector<std::uint32_t> got = to.read();
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    std::uint32_t c[4] = {lane, 0, 7, 0xffffffffu - lane};
    for (std::uint32_t round = 0; round < 10; ++round) {
      const std::uint64_t first = std::uint64_t{0xD2511F53u} * c[0];
      const std::uint64_t second = std::uint64_t{0xCD9E8D57u} * c[2];
      const std::uint32_t next[4] = {
          static_cast<std::uint32_t>(second >> 32) ^ c[1] ^ (key[0] + round * 0x9E3779B9u),
          static_cast<std::uint32_t>(second),
          static_cast<std::uint32_t>(first >> 32) ^ c[3] ^ (key[1] + round * 0xBB67AE85u),
          static_cast<std::uint32_t>(first)};
      std::memcpy(c, next, sizeof c);
    }
    for (std::size_t i = 0; i < 4; ++i) expect_equal(got[4 * lane + i], c[i], "lane " + std::to_string(lane));
  }
}

float from_bf16(std::uint32_t bits) {
  float value = 0;
  bits <<= 16;
  std::memcpy(&value, &bits, 4);
  return value;
}

/// Ties to even; the values here are finite.
std::uint32_t to_bf16(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, 4);
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

void pairs(const std::string& image) {
  const Context context;
  std::vector<std::uint32_t> a(32);
  std::vector<std::uint32_t> b(32);
  for (std::uint32_t i = 0; i < 32; ++i) {
    a[i] = to_bf16(0.37f * static_cast<float>(i) - 4) << 16 | to_bf16(1.0f / static_cast<float>(i + 3));
    b[i] = to_bf16(-0.11f * static_cast<float>(i)) << 16 | to_bf16(static_cast<float>(i * i) - 100);
  }
  const Buffer<std::uint32_t> to(5 * 32);
  test::launch(kernel(image, "pairs"), {}, Buffer<std::uint32_t>(a).address, Buffer<std::uint32_t>(b).address,
               to.address);
  const std::vector<std::uint32_t> got = to.read();
  for (std::size_t i = 0; i < 32; ++i) {
    for (const int shift : {0, 16}) {
      const float x = from_bf16(a[i] >> shift & 0xffff);
      const float y = from_bf16(b[i] >> shift & 0xffff);
      // Sums and products of 8-bit significands whose exponents are this close are exact in float.
      const float wanted[] = {x + y, x * y, x * y + x, std::fmax(x, y)};
      for (std::size_t k = 0; k < 4; ++k) {
        expect_equal(from_bf16(got[5 * i + k] >> shift & 0xffff), from_bf16(to_bf16(wanted[k])),
                     "operation " + std::to_string(k) + " of pair " + std::to_string(i));
      }
    }
    const float tangent = std::tanh(from_bf16(a[i] & 0xffff));
    expect(std::abs(from_bf16(got[5 * i + 4] & 0xffff) - tangent) <= std::ldexp(std::abs(tangent), -8),
           "tanh rounded to bf16");
    expect_equal(got[5 * i + 4] >> 16, b[i] >> 16, "a value that bf16 holds");
  }
}

void atomic_sum(const std::string& image) {
  const Context context;
  std::vector<float> x(1000);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  const Buffer<float> from(x);
  const Buffer<float> sum(std::vector<float>{0.5f});
  test::launch(kernel(image, "atomic_sum"), {3, 96}, from.address, sum.address, 1000);
  expect_equal(sum.read()[0], 499500.5f, "the sum of 0 … 999");
}

}  // namespace

int main(int, char** arguments) {
  std::ifstream file(arguments[1], std::ios::binary);
  const std::string image{std::istreambuf_iterator<char>(file), {}};
  test::run("a struct of 4 KiB by value", [&] { struct_by_value(image); });
  test::run("device functions and local arrays", [&] { functions_and_arrays(image); });
  test::run("static and dynamic shared memory", [&] { shared_memory(image); });
  test::run("philox", [&] { philox(image); });
  test::run("pairs of bf16", [&] { pairs(image); });
  test::run("atomicAdd of floats", [&] { atomic_sum(image); });
}
