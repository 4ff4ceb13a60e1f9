// Runs the kernels of kernels.cu from the fat binary named on the command line, in three orders, against
// plain loops.

#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

#include "gpu.h"

namespace {

using test::Buffer;
using test::Context;
using test::expect;

float from_bf16(std::uint16_t bits) {
  const std::uint32_t wide = std::uint32_t{bits} << 16;
  float value = 0;
  std::memcpy(&value, &wide, 4);
  return value;
}

std::vector<float> normal(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(count);
  for (float& value : values) value = distribution(random);
  return values;
}

/// What a kernel gives in each order; all must be the same bits.
template <class T>
std::vector<T> in_all_orders(const std::function<std::vector<T>()>& run) {
  std::vector<T> first;
  for (const char* order : {"order=forward", "order=reverse", "order=random,seed=1", "order=random,seed=2"}) {
    const Context context;
    MUST(attuneCudaEmulatorConfigure(order));
    const std::vector<T> result = run();
    if (first.empty()) first = result;
    expect(std::memcmp(first.data(), result.data(), first.size() * sizeof(T)) == 0,
           std::string(order) + " gives other bits");
  }
  return first;
}

CUfunction kernel(const std::string& image, const char* name) {
  CUmodule module = nullptr;
  MUST(cuModuleLoadData(&module, image.data()));
  return test::function(module, name);
}

void matmul(const std::string& image, unsigned m, unsigned n, unsigned k) {
  std::mt19937 random(5);
  // Small integers: the sums are exact in any order.
  const auto operand = [&](std::size_t count) {
    std::vector<std::uint16_t> values(count);
    for (std::uint16_t& value : values) {
      const float number = static_cast<float>(random() % 17) - 8;
      std::uint32_t bits = 0;
      std::memcpy(&bits, &number, 4);
      value = static_cast<std::uint16_t>(bits >> 16);
    }
    return values;
  };
  const std::vector<std::uint16_t> a = operand(std::size_t{m} * k);
  const std::vector<std::uint16_t> b = operand(std::size_t{n} * k);
  const std::vector<float> got = in_all_orders<float>([&] {
    const Buffer<std::uint16_t> device_a(a);
    const Buffer<std::uint16_t> device_b(b);
    const Buffer<float> c(std::size_t{m} * n);
    int sizes[] = {static_cast<int>(m), static_cast<int>(n), static_cast<int>(k)};
    CUdeviceptr pointers[] = {device_a.address, device_b.address, c.address};
    void* arguments[] = {&pointers[0], &pointers[1], &pointers[2], &sizes[0], &sizes[1], &sizes[2]};
    MUST(cuLaunchKernel(kernel(image, "matmul"), (n + 63) / 64, (m + 63) / 64, 1, 128, 1, 1, 0, nullptr,
                        arguments, nullptr));
    return c.read();
  });
  for (unsigned i = 0; i < m; ++i) {
    for (unsigned j = 0; j < n; ++j) {
      float sum = 0;
      for (unsigned p = 0; p < k; ++p) sum += from_bf16(a[i * k + p]) * from_bf16(b[j * k + p]);
      test::expect_equal(got[i * n + j], sum, "element " + std::to_string(i) + ", " + std::to_string(j));
    }
  }
}

void gated_norm(const std::string& image, int rows, int columns) {
  const std::vector<float> x = normal(static_cast<std::size_t>(rows) * columns, 3);
  const std::vector<float> got = in_all_orders<float>([&] {
    const Buffer<float> from(x);
    const Buffer<float> to(x.size());
    test::launch(kernel(image, "gated_norm"), {static_cast<unsigned>(rows), 256}, from.address, to.address,
                 columns);
    return to.read();
  });
  for (int row = 0; row < rows; ++row) {
    double sum = 0;
    for (int i = 0; i < columns; ++i) sum += static_cast<double>(x[row * columns + i]) * x[row * columns + i];
    for (int i = 0; i < columns; ++i) {
      const double value = x[row * columns + i];
      const double wanted = value / (1 + std::exp(-value)) / std::sqrt(sum / columns + 1e-6);
      // Sums of `columns` squares in float, and a handful of roundings after them.
      expect(std::abs(got[row * columns + i] - wanted) <=
                 (8 + std::sqrt(columns)) * 6e-8 * std::max(1.0, std::abs(wanted)),
             "element " + std::to_string(i));
    }
  }
}

void halve(const std::string& image, std::size_t count) {
  const std::vector<float> x = normal(count, 9);
  const std::vector<std::uint16_t> got = in_all_orders<std::uint16_t>([&] {
    const Buffer<float> from(x);
    const Buffer<std::uint16_t> to(count);
    test::launch(kernel(image, "halve"), {static_cast<unsigned>((count + 511) / 512), 256}, from.address,
                 to.address, static_cast<long>(count));
    return to.read();
  });
  for (std::size_t i = 0; i < count; ++i) {
    expect(std::abs(from_bf16(got[i]) - 0.5f * x[i]) <= std::ldexp(std::abs(0.5f * x[i]), -8),
           "element " + std::to_string(i));
  }
}

/// Lines that begin with # say how fast it was; nothing depends on them.
void report_speed(const std::string& image) {
  const Context context;
  const Buffer<float> x(normal(256 * 1024, 1));
  const Buffer<float> y(256 * 1024);
  const auto measure = [&](const char* name, unsigned blocks, auto size, int counter, const char* what) {
    const CUfunction function = kernel(image, name);
    std::uint64_t before[3];
    std::uint64_t after[3];
    attuneCudaEmulatorCounters(before);
    const auto start = std::chrono::steady_clock::now();
    test::launch(function, {blocks, 256}, x.address, y.address, size);
    MUST(cuCtxSynchronize());
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    attuneCudaEmulatorCounters(after);
    std::printf("# %s: %.1f ns per %s\n", name,
                time.count() / static_cast<double>(after[counter] - before[counter]), what);
  };
  measure("gated_norm", 256, 1024, 2, "switch of lanes");
  measure("halve", 512, 256L * 1024, 1, "thread");
}

}  // namespace

int main(int, char** arguments) {
  std::ifstream file(arguments[1], std::ios::binary);
  const std::string image{std::istreambuf_iterator<char>(file), {}};
  test::run("matmul of whole tiles", [&] { matmul(image, 64, 128, 128); });
  test::run("matmul of ragged tiles", [&] { matmul(image, 37, 70, 40); });
  test::run("gated_norm", [&] { gated_norm(image, 3, 700); });
  test::run("halve", [&] { halve(image, 1001); });
  test::run("speed", [&] { report_speed(image); });
}
